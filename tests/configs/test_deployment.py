"""Deployment configs: v1's files run unchanged, and every breach of a rule is told at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from backends.configs.deployment import (
    check_deployment,
    deployment_as_flags,
    deployment_with_flags,
    emit_deployment,
    parse_deployment,
    read_deployment,
)
from backends.configs.records import (
    AutoScale,
    ComputeType,
    DeploymentConfig,
    Parsed,
    Severity,
    Tls,
)
from backends.configs.report import usable
from backends.errors import InvalidInput
from backends.targets.records import Resources

FILES = Path(__file__).parent / "files"


def good(name: str) -> DeploymentConfig:
    parsed = read_deployment(FILES / name)
    assert parsed.problems == ()
    assert parsed.config is not None
    return parsed.config


def parse(kind: str, **keys: Any) -> Parsed[DeploymentConfig]:
    return parse_deployment(json.dumps({"computeType": kind, **keys}, indent=1), "dep.json")


def errors(parsed: Parsed[DeploymentConfig]) -> list[str]:
    return [problem.message for problem in parsed.errors]


def test_the_aks_sample_reads_whole() -> None:
    assert good("aks_sample.json") == DeploymentConfig(
        compute_type=ComputeType.AKS,
        autoscale=AutoScale(
            enabled=True,
            min_replicas=1,
            max_replicas=3,
            refresh_seconds=1,
            target_utilization=70,
        ),
        collect_data=True,
        auth_enabled=True,
        resources=Resources(cpu=0.5, memory_gb=1.0),
    )


def test_every_key_of_aks_is_read() -> None:
    config = good("aks_full.json")
    assert config.resources == Resources(
        cpu=0.5, memory_gb=1, cpu_limit=2, memory_gb_limit=1.5, gpu=1
    )
    assert (config.replicas, config.concurrency, config.queue_wait_ms) == (2, 4, 200)
    assert (config.scoring_timeout_ms, config.probe.failure_threshold) == (1000, 4)
    assert (config.namespace, config.compute_target) == ("team-a", "myaks")
    assert (config.primary_key, config.secondary_key) == ("first-key", "second-key")
    assert (config.tags, config.properties) == ({"area": "mnist"}, {"commit": "0a1b"})


def test_every_key_of_aci_is_read() -> None:
    config = good("aci_full.json")
    assert config.tls == Tls(
        enabled=True, certificate="cert.pem", key="key.pem", cname="www.example.com"
    )
    assert (config.vault_base_url, config.key_version) == ("https://vault.example.com", "3")
    assert (config.vnet_name, config.subnet_name) == ("net", "inner")
    assert (config.location, config.dns_name_label) == ("westeurope", "digits")


def test_local_needs_no_port() -> None:
    assert good("local.json").port == 32267
    assert good("local_no_port.json") == DeploymentConfig(compute_type=ComputeType.LOCAL)


def test_a_process_takes_its_keys_from_yaml() -> None:
    config = good("process.yml")
    assert (config.port, config.replicas, config.auth_enabled) == (8890, 2, True)
    assert config.collect_data is True
    assert config.tags == {"area": "mnist"}


def test_an_iot_file_keeps_its_sections() -> None:
    config = good("iot.json")
    assert config.extra["iotDeviceId"] == "dev1"
    assert config.extra["routes"] == {"r1": "FROM /messages/* INTO $upstream"}
    assert "hush" not in repr(config)


@pytest.mark.parametrize(
    ("word", "kind"),
    [("AKS", "aks"), ("Kubernetes", "aks"), ("Local", "local"), ("PROCESS", "process")],
)
def test_the_compute_type_is_read_in_any_case(word: str, kind: str) -> None:
    config = parse(word).config
    assert config is not None
    assert config.compute_type == kind


@pytest.mark.parametrize("keys", ["{}", '{"computeType": null}', '{"computeType": ""}'])
def test_a_missing_compute_type_tells_the_list(keys: str) -> None:
    (problem,) = parse_deployment(keys, "dep.json").problems
    assert problem.line == 1
    assert problem.allowed == "process, local, aci, aks, kubernetes, iot"


def test_an_unknown_compute_type_tells_the_list() -> None:
    (problem,) = parse_deployment('{\n"computeType": "aksendpoint"}', "dep.json").problems
    assert (problem.line, problem.found) == (2, "aksendpoint")
    assert "kubernetes" in problem.message


def test_the_rest_is_checked_without_a_compute_type_too() -> None:
    found = parse_deployment("computeType: azure\nport: many\nzebra: 1\n", "dep.yml").problems
    assert [(problem.line, problem.key) for problem in found] == [
        (1, "computeType"),
        (2, "port"),
        (3, "zebra"),
    ]


@pytest.mark.parametrize("text", ["[]", "3", "text", "- a"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    (problem,) = parse_deployment(text, "dep.json").problems
    assert "must be a mapping" in problem.message


def test_null_is_absent_everywhere() -> None:
    parsed = parse("aks", autoScaler=None, keys=None, authEnabled=None, tags=None, numReplicas=None)
    assert parsed.problems == ()
    assert parsed.config == DeploymentConfig(compute_type=ComputeType.AKS)
    inner = parse("aks", autoScaler={"minReplicas": None}, tags={"a": None, "b": 1})
    assert inner.problems == ()
    assert inner.config is not None
    assert inner.config.tags == {"b": "1"}


def test_an_unknown_key_warns_with_a_near_name() -> None:
    parsed = parse("aks", autoscaler={}, conatinerResourceRequirements={}, zebra=1)
    assert parsed.config is not None
    assert [(p.severity, p.line) for p in parsed.problems] == [
        (Severity.WARNING, 3),
        (Severity.WARNING, 4),
        (Severity.WARNING, 5),
    ]
    first, second, third = (problem.message for problem in parsed.problems)
    assert "autoScaler may be meant" in first
    assert "containerResourceRequirements may be meant" in second
    assert third == "zebra is not a known key and is ignored."


def test_a_key_of_another_compute_type_warns() -> None:
    parsed = parse("local", authEnabled=True, containerResourceRequirements={"cpu": 1})
    assert [problem.message for problem in parsed.problems] == [
        "authEnabled does not apply to compute type local and is ignored.",
        "containerResourceRequirements does not apply to compute type local and is ignored.",
    ]


@pytest.mark.parametrize(
    ("kind", "keys", "said"),
    [
        ("local", {"port": "8890"}, "whole number, and is text: write it without quotes"),
        ("local", {"port": 70000}, "port must be a whole number from 1 to 65535"),
        ("local", {"port": 1.5}, "must be a whole number, and is a number"),
        ("local", {"port": True}, "must be a whole number, and is true or false"),
        ("local", {"port": [1]}, "must be a whole number, and is a list"),
        ("aci", {"authEnabled": "true"}, "must be true or false, and is text: write it without"),
        ("aci", {"authEnabled": 1}, "must be true or false, and is a number"),
        ("aci", {"containerResourceRequirements": {"cpu": 0}}, "cpu must be a number above 0"),
        ("aci", {"containerResourceRequirements": {"memoryInGB": -1}}, "a number above 0"),
        ("aci", {"containerResourceRequirements": 3}, "must be a mapping of keys to values"),
        ("aci", {"location": False}, "location must be text, and is true or false"),
        ("aci", {"sslEnabled": True}, "so sslCertificate and sslKey and cname must be given"),
        ("aci", {"sslEnabled": True, "sslKey": "k", "cname": "c"}, "so sslCertificate must be"),
        ("aci", {"keyName": "k"}, "keyName needs vaultBaseUrl and keyVersion too"),
        ("aci", {"vaultBaseUrl": "v", "keyName": "k"}, "vaultBaseUrl needs keyVersion too"),
        ("aci", {"vnetName": "v"}, "vnetName needs subnetName too"),
        ("aci", {"subnetName": "v"}, "subnetName needs vnetName too"),
        ("aks", {"gpuCores": -1}, "gpuCores must be a whole number, 0 or more"),
        ("aks", {"scoringTimeoutMs": 0}, "scoringTimeoutMs must be a whole number above 0"),
        ("aks", {"maxConcurrentRequestsPerContainer": 0}, "above 0"),
        ("aks", {"maxQueueWaitMs": -5}, "above 0"),
        ("aks", {"livenessProbeRequirements": {"periodSeconds": 0}}, "above 0"),
        ("aks", {"namespace": "Team_A"}, "namespace must be lower-case letters"),
        ("aks", {"namespace": "-a"}, "namespace must be lower-case letters"),
        ("aks", {"authEnabled": True, "tokenAuthEnabled": True}, "while authEnabled is true"),
        ("aks", {"autoScaler": {"autoscaleEnabled": False}}, "is false, so numReplicas is needed"),
        ("aks", {"autoScaler": {"autoscaleEnabled": True}, "numReplicas": 2}, "cannot be given"),
        (
            "aks",
            {"autoScaler": {"autoscaleEnabled": True, "minReplicas": 3, "maxReplicas": 2}},
            "maxReplicas is 2, below autoScaler.minReplicas, which is 3",
        ),
        (
            "aks",
            {"autoScaler": {"autoscaleEnabled": True, "targetUtilization": 101}},
            "above 0, at most 100",
        ),
        (
            "aks",
            {"containerResourceRequirements": {"cpu": 2, "cpuLimit": 1}},
            "cpuLimit is 1, below containerResourceRequirements.cpu, which is 2",
        ),
        (
            "process",
            {"containerResourceRequirements": {"memoryInGB": 2, "memoryInGBLimit": 1}},
            "memoryInGBLimit is 1, below",
        ),
        ("process", {"numReplicas": 0}, "numReplicas must be a whole number above 0"),
        ("process", {"tags": ["a"]}, "tags must be a mapping of names to text, and is a list"),
        ("process", {"tags": {"a": {}}}, "tags must hold text, and a is a mapping"),
        ("process", {"description": "a\0"}, "holds a NUL character"),
    ],
)
def test_a_breach_is_explained(kind: str, keys: dict[str, Any], said: str) -> None:
    parsed = parse(kind, **keys)
    assert parsed.config is None
    (problem,) = parsed.errors
    assert said in problem.message
    assert problem.line is not None
    assert problem.found
    assert problem.allowed


@pytest.mark.parametrize("switch", [{}, {"autoscaleEnabled": False}])
def test_each_scaling_value_without_autoscaling_is_an_error(switch: dict[str, Any]) -> None:
    scaling = {"minReplicas": 1, "maxReplicas": 2, "refreshPeriodInSeconds": 1}
    parsed = parse("aks", autoScaler={**switch, **scaling, "targetUtilization": 5}, numReplicas=1)
    assert len(errors(parsed)) == 4
    assert all("only when autoScaler.autoscaleEnabled is true" in said for said in errors(parsed))


def test_every_problem_is_told_at_once_each_with_its_line() -> None:
    text = """computeType: aks
authEnabled: "true"
containerResourceRequirements:
  cpu: 2
  cpuLimit: 1
  memory: 3
numReplicas: three
namespace: A
tokenAuthEnabled: maybe
"""
    problems = parse_deployment(text, "dep.yml").problems
    assert [(p.line, p.key) for p in problems] == [
        (2, "authEnabled"),
        (5, "containerResourceRequirements.cpuLimit"),
        (6, "containerResourceRequirements.memory"),
        (7, "numReplicas"),
        (8, "namespace"),
        (9, "tokenAuthEnabled"),
    ]
    assert str(problems[0]).startswith("dep.yml:2: error: authEnabled must be true or false")


def test_no_replicas_leaves_it_to_the_autoscaler() -> None:
    parsed = parse("aks", numReplicas=0, autoScaler={"autoscaleEnabled": True})
    assert parsed.config is not None
    assert parsed.config.replicas is None
    assert parsed.problems[0].severity is Severity.WARNING


def test_more_memory_than_aci_has_warns() -> None:
    parsed = parse("aci", containerResourceRequirements={"memoryInGB": 64})
    assert parsed.config is not None
    assert [problem.severity for problem in parsed.problems] == [Severity.WARNING]


def test_iot_tells_what_it_lacks() -> None:
    assert [said.split()[0] for said in errors(parse("iot"))] == [
        "iotDeviceId",
        "amlModule.moduleName",
        "routes",
    ]
    module = {"amlModule": {"moduleName": "m"}, "iotDeviceId": "d", "routes": {"a": "b"}}
    assert errors(parse("iot", **module)) == []
    assert errors(parse("iot", **module, externalModules=[{"moduleName": "x"}])) == [
        "externalModules [0] lacks imageLocation (text)."
    ]
    assert "must be a list" in errors(parse("iot", **module, externalModules={"a": 1}))[0]
    hushed = parse("iot", **module, acrCredentials=[{"location": "x", "password": "hush"}])
    assert "lacks user" in errors(hushed)[0]
    assert "hush" not in repr(hushed)


def test_flags_are_read_as_typed() -> None:
    flags = {"compute_type": "ACI", "cpu_cores": "0.5", "auth_enabled": "TRUE", "tags": "a=1\nb="}
    assert deployment_with_flags(None, flags).config == DeploymentConfig(
        compute_type=ComputeType.ACI,
        resources=Resources(cpu=0.5),
        auth_enabled=True,
        tags={"a": "1", "b": ""},
    )


def test_without_a_word_it_is_a_process() -> None:
    parsed = deployment_with_flags(None, {})
    assert parsed.config == DeploymentConfig(compute_type=ComputeType.PROCESS)


def test_flags_win_over_the_file_and_keep_its_lines() -> None:
    parsed = read_deployment(FILES / "aks_sample.json", {"cpu_cores": "2", "compute_target": "x"})
    assert parsed.config is not None
    assert parsed.config.resources == Resources(cpu=2, memory_gb=1.0)
    assert parsed.config.compute_target == "x"
    clash = read_deployment(FILES / "aks_sample.json", {"num_replicas": "2"})
    assert [(p.file, p.line) for p in clash.errors] == [("--num-replicas", None)]


def test_flags_lie_over_a_config() -> None:
    config = DeploymentConfig(compute_type=ComputeType.AKS, auth_enabled=False, namespace="a")
    parsed = deployment_with_flags(config, {"compute_type": "aci", "location": "here"})
    assert parsed.config == DeploymentConfig(
        compute_type=ComputeType.ACI, auth_enabled=False, location="here"
    )


def test_a_flag_names_the_compute_type_that_the_file_lacks() -> None:
    config = parse_deployment('{"port": 1}', "dep.json", {"compute_type": "local"}).config
    assert config == DeploymentConfig(compute_type=ComputeType.LOCAL, port=1)


def test_every_wrong_flag_is_told() -> None:
    parsed = deployment_with_flags(
        None, {"cpu_cores": "x", "compute_type": "moon", "primary_key": "hush\0", "gpu_cores": "1"}
    )
    assert {problem.file for problem in parsed.errors} == {
        "--cpu-cores",
        "--compute-type",
        "--primary-key",
    }
    assert any("--gpu-cores does not apply" in p.message for p in parsed.problems)
    assert "hush" not in repr(parsed)


def test_secrets_are_written_only_when_asked() -> None:
    for name in ("aks_full.json", "iot.json"):
        config = good(name)
        for secret in ("first-key", "hush"):
            assert secret not in emit_deployment(config)
        assert parse_deployment(emit_deployment(config, secrets=True), "x").config == config


def test_keys_are_written_in_v1s_order() -> None:
    written = json.loads(emit_deployment(good("aks_full.json"), secrets=True))
    read = json.loads((FILES / "aks_full.json").read_text())
    assert list(written) == list(read)
    assert written == read | {"computeType": "aks"}


def test_what_is_unsaid_is_not_written() -> None:
    config = DeploymentConfig(compute_type=ComputeType.ACI)
    assert json.loads(emit_deployment(config)) == {"computeType": "aci"}


def test_a_form_holds_a_config_as_texts() -> None:
    texts = deployment_as_flags(good("process.yml"))
    assert texts["cpu_cores"] == "1"
    assert texts["auth_enabled"] == "true"
    assert texts["tags"] == "area=mnist"
    assert deployment_with_flags(None, texts).config == good("process.yml")


def test_certificates_that_are_not_there_are_told(tmp_path: Path) -> None:
    config = good("aci_full.json")
    assert {p.key for p in check_deployment(config, tmp_path)} == {"sslCertificate", "sslKey"}
    (tmp_path / "cert.pem").touch()
    (tmp_path / "key.pem").touch()
    assert check_deployment(config, tmp_path) == ()


def test_a_file_that_is_not_there_is_a_problem() -> None:
    parsed = read_deployment(FILES / "nowhere.json")
    assert "cannot be read" in parsed.errors[0].message


def test_a_config_with_errors_cannot_be_used() -> None:
    with pytest.raises(InvalidInput) as caught:
        usable(parse("local", port="a", description=[]))
    assert "(1 more)" in caught.value.what
    assert len(caught.value.detail.splitlines()) == 2
    assert usable(parse("local")).compute_type is ComputeType.LOCAL
