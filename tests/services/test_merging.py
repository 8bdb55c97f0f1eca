"""An update changes only what it names."""

import pytest

from backends.configs.records import AutoScale, ComputeType, DeploymentConfig
from backends.errors import InvalidInput
from backends.services.merging import merge_deployment
from backends.targets.records import Resources

RUNNING = DeploymentConfig(
    compute_type=ComputeType.AKS,
    resources=Resources(cpu=0.5, memory_gb=1.0),
    auth_enabled=True,
    autoscale=AutoScale(enabled=True, max_replicas=3),
    description="as it was",
)


def test_what_the_update_leaves_unsaid_stays() -> None:
    """One value given, all others as they ran, in nested sections too."""
    wanted = DeploymentConfig(compute_type=ComputeType.AKS, resources=Resources(cpu=2.0))
    merged = merge_deployment(RUNNING, wanted)
    assert merged.resources == Resources(cpu=2.0, memory_gb=1.0)
    assert merged.autoscale == RUNNING.autoscale
    assert merged.description == "as it was"


def test_false_is_said() -> None:
    """False is a value, unlike None."""
    wanted = DeploymentConfig(compute_type=ComputeType.AKS, auth_enabled=False)
    assert merge_deployment(RUNNING, wanted).auth_enabled is False


def test_nothing_given_changes_nothing() -> None:
    """No deployment config in the update."""
    assert merge_deployment(RUNNING, None) == RUNNING


def test_a_fixed_number_of_replicas_ends_autoscale() -> None:
    """The two exclude each other, and the update is the later word."""
    wanted = DeploymentConfig(compute_type=ComputeType.AKS, replicas=2)
    merged = merge_deployment(RUNNING, wanted)
    assert (merged.replicas, merged.autoscale.enabled) == (2, None)


def test_another_compute_type_is_refused() -> None:
    """A service does not move by an update."""
    with pytest.raises(InvalidInput, match="computeType aks"):
        merge_deployment(RUNNING, DeploymentConfig(compute_type=ComputeType.LOCAL))
