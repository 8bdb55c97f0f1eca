"""Every key of an AKS deployment ends in the right field of the right object."""

import json
from typing import Any

import pytest

from backends.targets.drivers.kubernetes.launching import launch
from backends.targets.drivers.kubernetes.objects import Features, anchor, owned
from backends.targets.drivers.kubernetes.pulling import reference
from backends.targets.drivers.kubernetes.settings import Settings, read_settings
from backends.targets.records import (
    Autoscale,
    Cluster,
    Keys,
    Limits,
    Liveness,
    Resources,
    ServiceSpec,
)
from backends.targets.specs import spec_from_json

KEYS = Keys("primary-secret", "secondary-secret")
OWNER = {"metadata": {"name": "digits", "uid": "1-2-3"}}


def made(
    settings: Settings | None = None,
    features: Features | None = None,
    keys: Keys | None = None,
    **fields: Any,
) -> dict[str, dict[str, Any]]:
    """The objects by kind; the launch file's ConfigMap is the only owned one."""
    spec = wanted(**fields)
    found = owned(spec, settings or Settings(), features or Features(), launch(spec), keys, OWNER)
    return {one["kind"]: one for one in found}


def wanted(**fields: Any) -> ServiceSpec:
    given = {
        "workspace": "team",
        "name": "digits",
        "revision": 3,
        "target": "cluster",
        "image": "registry/digits:1",
        "cluster": Cluster(),
        **fields,
    }
    return ServiceSpec(**given)


def container(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    (only,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(only)


def test_the_anchor_owns_everything_and_holds_the_spec() -> None:
    spec = wanted()
    assert spec_from_json(anchor(spec)["metadata"]["annotations"]["pilothouse/spec"]) == spec
    for one in made(Settings(network_policy=True, ingress_host="a.example")).values():
        (reference,) = one["metadata"]["ownerReferences"]
        assert (reference["name"], reference["uid"]) == ("digits", "1-2-3")
        assert one["metadata"]["labels"]["pilothouse/workspace"] == "team"


def test_cpu_and_memory_are_requests_and_memory_is_held() -> None:
    found = container(made(resources=Resources(cpu=0.5, memory_gb=1.0)))["resources"]
    assert found == {
        "requests": {"cpu": "500m", "memory": "1000000000"},
        "limits": {"memory": "1000000000"},
    }


def test_limits_are_limits() -> None:
    asked = Resources(cpu=0.5, memory_gb=1.0, cpu_limit=2.0, memory_gb_limit=4.0)
    limits = container(made(resources=asked))["resources"]["limits"]
    assert limits == {"cpu": "2000m", "memory": "4000000000"}


@pytest.mark.parametrize("name", ["nvidia.com/gpu", "xilinx.com/fpga-u250"])
def test_gpu_cores_ask_for_the_targets_accelerator(name: str) -> None:
    found = container(made(Settings(accelerator=name), resources=Resources(gpu=2)))
    assert found["resources"]["limits"] == {name: "2"}


def test_the_number_of_replicas_is_in_no_object() -> None:
    assert "replicas" not in made(replicas=3)["Deployment"]["spec"]


def test_one_replica_has_no_budget_and_several_have() -> None:
    assert "PodDisruptionBudget" not in made(replicas=1)
    budget = made(replicas=2, features=Features(disruption="policy/v1"))["PodDisruptionBudget"]
    assert (budget["apiVersion"], budget["spec"]["minAvailable"]) == ("policy/v1", 1)


def test_the_autoscaler_of_the_first_api() -> None:
    scaled = Cluster(autoscale=Autoscale(minimum=2, maximum=5, utilization=60))
    found = made(cluster=scaled)["HorizontalPodAutoscaler"]
    assert found["apiVersion"] == "autoscaling/v1"
    said = found["spec"]
    assert (said["minReplicas"], said["maxReplicas"]) == (2, 5)
    assert said["targetCPUUtilizationPercentage"] == 60
    assert said["scaleTargetRef"]["name"] == "digits"


def test_the_autoscaler_of_the_second_api() -> None:
    found = made(
        cluster=Cluster(autoscale=Autoscale()), features=Features(autoscaling="autoscaling/v2")
    )["HorizontalPodAutoscaler"]
    (metric,) = found["spec"]["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == 70


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("period_seconds", "periodSeconds"),
        ("initial_delay_seconds", "initialDelaySeconds"),
        ("timeout_seconds", "timeoutSeconds"),
        ("success_threshold", "successThreshold"),
        ("failure_threshold", "failureThreshold"),
    ],
)
def test_a_key_of_the_liveness_probe(field: str, key: str) -> None:
    probe = container(made(cluster=Cluster(liveness=Liveness(**{field: 7}))))["livenessProbe"]
    assert probe[key] == 7
    assert probe["httpGet"]["path"] == "/livez"


def test_the_start_may_take_as_long_as_init_may() -> None:
    probe = container(made(limits=Limits(init_seconds=90.0)))["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] >= 90


@pytest.mark.parametrize(
    ("limits", "key", "value"),
    [
        (Limits(scoring_timeout_ms=1234), "scoring_timeout_ms", 1234),
        (Limits(queue_wait_ms=77), "queue_wait_ms", 77),
        (Limits(concurrency=2), "concurrency", 2048),
        (Limits(body_bytes=9), "body_bytes", 9),
    ],
)
def test_limits_reach_the_server(limits: Limits, key: str, value: int) -> None:
    text = made(limits=limits)["ConfigMap"]["data"]["launch.json"]
    assert json.loads(text)[key] == value


def test_data_collection_reaches_the_server() -> None:
    assert json.loads(made(collect_data=True)["ConfigMap"]["data"]["launch.json"])["collect_data"]


def test_keys_are_a_mounted_folder_and_in_no_other_object() -> None:
    found = made(auth=True, keys=KEYS)
    assert "primary-secret" not in json.dumps({k: v for k, v in found.items() if k != "Secret"})
    mounts = {one["name"]: one["mountPath"] for one in container(found)["volumeMounts"]}
    launched = json.loads(found["ConfigMap"]["data"]["launch.json"])
    assert launched["keys_file"] == f"{mounts['keys']}/keys.json"
    assert launched["auth"]


def test_pods_are_restricted() -> None:
    found = made()
    pod = found["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    assert container(found)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_rollout_never_has_fewer_than_wanted() -> None:
    strategy = made()["Deployment"]["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_a_pod_gets_the_time_to_drain() -> None:
    found = made(limits=Limits(scoring_timeout_ms=20_000))
    pod = found["Deployment"]["spec"]["template"]["spec"]
    launched = json.loads(found["ConfigMap"]["data"]["launch.json"])
    assert pod["terminationGracePeriodSeconds"] > launched["drain_delay"] + launched["grace"]


def test_where_pods_may_run() -> None:
    settings = read_settings(
        {"node_selector": "disk=ssd,pool=gpu", "tolerations": "gpu,dedicated=ml:NoSchedule"}
    )
    pod = made(settings)["Deployment"]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"disk": "ssd", "pool": "gpu"}
    assert pod["tolerations"] == [
        {"key": "gpu", "operator": "Exists"},
        {"key": "dedicated", "operator": "Equal", "value": "ml", "effect": "NoSchedule"},
    ]


def test_an_ingress_with_a_certificate_keeps_v1s_path() -> None:
    settings = Settings(ingress_host="score.example", ingress_class="nginx", tls_secret="cert")
    found = made(settings)["Ingress"]["spec"]
    assert found["tls"] == [{"hosts": ["score.example"], "secretName": "cert"}]
    assert found["ingressClassName"] == "nginx"
    (path,) = found["rules"][0]["http"]["paths"]
    assert path["path"] == "/api/v1/service/digits"


def test_a_node_port_may_be_chosen() -> None:
    found = made(read_settings({"expose": "nodeport"}), port=30080)["Service"]["spec"]
    assert (found["type"], found["ports"][0]["nodePort"]) == ("NodePort", 30080)


def test_a_network_policy_lets_the_namespace_in() -> None:
    found = made(read_settings({"network_policy": "true"}))["NetworkPolicy"]["spec"]
    assert found["ingress"][0]["from"] == [{"podSelector": {}}]


def test_nodes_may_know_the_registry_by_another_name() -> None:
    settings = read_settings({"push_to": "127.0.0.1:5000/team/", "pull_from": "registry:5000/team"})
    pushed = "127.0.0.1:5000/team/pilothouse/web:abc"
    assert reference(pushed, settings) == "registry:5000/team/pilothouse/web:abc"
    assert reference("elsewhere/web:abc", settings) == "elsewhere/web:abc"
    assert reference(pushed, read_settings({"push_to": "127.0.0.1:5000/team"})) == pushed
