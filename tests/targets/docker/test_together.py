"""Replicas and revisions as one state."""

import pytest
from msgspec.structs import replace

from backends.targets.drivers.docker import together
from backends.targets.records import Evidence, ServiceState, Status

HEALTHY = Status(
    service="s",
    state=ServiceState.HEALTHY,
    reason="revision 1 serves",
    at=1.0,
    serving=1,
    ready=1,
    phase="serving",
)
COMING = replace(
    HEALTHY,
    state=ServiceState.TRANSITIONING,
    reason="init",
    serving=None,
    rolling_out=2,
    ready=0,
    phase="init",
)
FAILED = replace(
    COMING,
    state=ServiceState.FAILED,
    reason="init() failed",
    rolling_out=None,
    evidence=Evidence(traceback="Traceback"),
)


def test_one_replica_is_the_service() -> None:
    assert together.replicas([HEALTHY], 1) == HEALTHY


def test_all_healthy_is_healthy() -> None:
    found = together.replicas([HEALTHY] * 3, 3)
    assert (found.state, found.ready, found.wanted) == (ServiceState.HEALTHY, 3, 3)


def test_too_few_replicas_are_not_yet_healthy() -> None:
    found = together.replicas([HEALTHY] * 2, 3)
    assert found.state is ServiceState.TRANSITIONING
    assert found.reason.startswith("2 of 3 replicas serve")


def test_one_that_fails_leaves_an_unhealthy_service_and_is_named() -> None:
    found = together.replicas([HEALTHY, FAILED], 2)
    assert found.state is ServiceState.UNHEALTHY
    assert found.reason == "replica 2: init() failed; 1 of 2 replicas serve"
    assert found.evidence.traceback == "Traceback"
    assert (found.serving, found.ready) == (1, 1)


def test_all_failed_is_failed() -> None:
    assert together.replicas([FAILED, FAILED], 2).state is ServiceState.FAILED


def test_a_revision_that_comes_up_beside_is_told_with_the_one_that_serves() -> None:
    found = together.beside(HEALTHY, COMING, 2)
    assert (found.state, found.serving, found.rolling_out) == (ServiceState.TRANSITIONING, 1, 2)
    assert found.reason == "revision 2: init; revision 1 still serves"


@pytest.mark.parametrize("state", [ServiceState.FAILED, ServiceState.UNSCHEDULABLE])
def test_one_that_fails_beside_leaves_the_old_serving(state: ServiceState) -> None:
    found = together.beside(HEALTHY, replace(FAILED, state=state), 2)
    assert (found.state, found.serving, found.rolling_out) == (ServiceState.UNHEALTHY, 1, None)
    assert found.reason == "revision 2 failed: init() failed; revision 1 still serves"
    assert found.evidence.traceback == "Traceback"


def test_with_nothing_serving_the_new_revision_is_the_state() -> None:
    assert together.beside(FAILED, COMING, 2) == COMING
