"""Every key of an AKS deployment config that a cluster follows is in the spec."""

import json
from pathlib import Path
from typing import Any

import pytest

from backends.configs.deployment import parse_deployment
from backends.services import specs
from backends.services.records import DeployRequest
from backends.targets.records import Autoscale, Cluster, Liveness, Resources, ServiceSpec


def spec(tmp_path: Path, **keys: Any) -> ServiceSpec:
    parsed = parse_deployment(json.dumps({"computeType": "aks", **keys}), "dc.json")
    assert parsed.config is not None, parsed.problems
    return specs.make(
        workspace="w",
        request=DeployRequest(name="service", base=str(tmp_path)),
        target="cluster",
        revision=1,
        models=(),
        inference=None,
        deployment=parsed.config,
        environment=None,
        builtin=None,
        versions=(),
        before=None,
    )


def cluster(tmp_path: Path, **keys: Any) -> Cluster:
    found = spec(tmp_path, **keys).cluster
    assert found is not None
    return found


def test_what_is_not_said_has_v1s_defaults(tmp_path: Path) -> None:
    found = spec(tmp_path)
    assert found.cluster == Cluster(autoscale=Autoscale(), liveness=Liveness())
    assert found.resources == Resources(cpu=0.1, memory_gb=0.5)
    assert found.auth
    assert (found.limits.queue_wait_ms, found.limits.scoring_timeout_ms) == (500, 60_000)


def test_a_number_of_replicas_is_fixed(tmp_path: Path) -> None:
    found = spec(tmp_path, numReplicas=3)
    assert found.cluster == Cluster()
    assert found.replicas == 3


def test_the_sample_of_the_documentation_scales(tmp_path: Path) -> None:
    scaler = {
        "autoscaleEnabled": True,
        "minReplicas": 1,
        "maxReplicas": 3,
        "refreshPeriodInSeconds": 1,
        "targetUtilization": 70,
    }
    found = cluster(tmp_path, autoScaler=scaler, dataCollection={"storageEnabled": True})
    assert found.autoscale == Autoscale(minimum=1, maximum=3)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("periodSeconds", "period_seconds"),
        ("initialDelaySeconds", "initial_delay_seconds"),
        ("timeoutSeconds", "timeout_seconds"),
        ("successThreshold", "success_threshold"),
        ("failureThreshold", "failure_threshold"),
    ],
)
def test_a_key_of_the_probe_is_kept(tmp_path: Path, key: str, field: str) -> None:
    found = cluster(tmp_path, livenessProbeRequirements={key: 7})
    assert getattr(found.liveness, field) == 7


def test_the_namespace_is_kept(tmp_path: Path) -> None:
    assert cluster(tmp_path, namespace="scoring").namespace == "scoring"


def test_a_token_is_met_by_a_key(tmp_path: Path) -> None:
    assert spec(tmp_path, authEnabled=False, tokenAuthEnabled=True).auth
