"""Rows of the state table: what a cluster holds, in the service's terms."""

from typing import Any

import pytest

from backends.targets.drivers.kubernetes import podstate
from backends.targets.drivers.kubernetes.state import STOPPED, Snapshot, status_of
from backends.targets.records import ServiceState, Status

BORN = "2026-01-01T00:00:00Z"
LATER = 1_767_225_600.0 + 300


def pod(revision: int = 2, *, ready: bool = False, uid: str = "p", **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {
            "name": f"digits-{uid}",
            "uid": uid,
            "creationTimestamp": BORN,
            "labels": {"pilothouse/revision": str(revision)},
        },
        "spec": {"nodeName": "node"},
        "status": {"conditions": conditions + status.pop("conditions", []), **status},
    }


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"image": "registry/a:1", "state": state, **more}]}


def ended(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def deployment(replicas: int = 1, *, done: bool = False, **more: Any) -> dict[str, Any]:
    counts = replicas if done else 0
    return {
        "metadata": {
            "name": "digits",
            "generation": 4,
            "labels": {"pilothouse/revision": "2"},
            **more.pop("metadata", {}),
        },
        "spec": {"replicas": replicas},
        "status": {
            "observedGeneration": 4,
            "updatedReplicas": counts,
            "availableReplicas": counts,
            "replicas": counts,
            **more,
        },
    }


def status(*pods: dict[str, Any], **fields: Any) -> Status:
    return status_of(Snapshot(deployment=deployment(**fields), pods=pods), 1.0)


def judged(found: dict[str, Any], *events: dict[str, Any]) -> podstate.Judged:
    return podstate.judge(found, events, now=LATER)


def test_complete_is_healthy() -> None:
    found = status(pod(ready=True), done=True)
    assert (found.state, found.serving, found.rolling_out) == (ServiceState.HEALTHY, 2, None)


def test_a_rollout_tells_how_far_it_is() -> None:
    found = status(pod(ready=True), pod(uid="q", **waiting("ContainerCreating")), replicas=2)
    assert found.state is ServiceState.TRANSITIONING
    assert found.reason == "1 of 2 updated: the container is being made"


def test_no_node_fits() -> None:
    said = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": said,
    }
    found = status(pod(conditions=[condition]))
    assert (found.state, found.reason) == (ServiceState.UNSCHEDULABLE, said.rstrip("."))


def test_an_exceeded_quota_is_unschedulable() -> None:
    said = "pods is forbidden: exceeded quota: q, requested: cpu=200, used: cpu=0, limited: cpu=1"
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": said,
    }
    found = status(conditions=[failure])
    assert found.state is ServiceState.UNSCHEDULABLE
    assert "the quota q of the namespace is used up: asked cpu=200" in found.reason


def test_a_refused_pod_has_failed() -> None:
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "violates PodSecurity",
    }
    assert status(conditions=[failure]).state is ServiceState.FAILED


def test_an_old_revision_that_serves_makes_a_stuck_one_unhealthy() -> None:
    stuck = pod(2, uid="new", **waiting("InvalidImageName", "couldn't parse image"))
    found = status(pod(1, ready=True, uid="old"), stuck)
    assert (found.state, found.serving, found.rolling_out) == (ServiceState.UNHEALTHY, 1, 2)
    assert "revision 2 is stuck: the image cannot be used: couldn't parse" in found.reason
    assert found.reason.endswith("revision 1 still serves 1/1")


def test_what_was_stopped_is_stopped() -> None:
    note = {"annotations": {STOPPED: "2"}}
    found = status_of(Snapshot(deployment=deployment(0, done=True, metadata=note)), 1.0)
    assert (found.state, found.serving) == (ServiceState.STOPPED, None)


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("ContainerCreating", ServiceState.TRANSITIONING),
        ("PodInitializing", ServiceState.TRANSITIONING),
        ("ErrImagePull", ServiceState.TRANSITIONING),
        ("InvalidImageName", ServiceState.FAILED),
        ("ErrImageNeverPull", ServiceState.FAILED),
        ("CreateContainerConfigError", ServiceState.FAILED),
        ("CreateContainerError", ServiceState.FAILED),
        ("RunContainerError", ServiceState.FAILED),
    ],
)
def test_a_container_that_waits(reason: str, state: ServiceState) -> None:
    assert judged(pod(**waiting(reason, "why"))).state is state


def test_an_image_that_is_not_there_fails_after_the_second_try() -> None:
    event = {"reason": "Failed", "message": 'Failed to pull image "a:1": not found', "count": 3}
    found = judged(pod(**waiting("ImagePullBackOff", "Back-off")), event)
    assert found.state is ServiceState.FAILED
    assert "not found" in found.reason


def test_a_registry_that_is_away_may_come_back() -> None:
    event = {"reason": "Failed", "message": 'Failed to pull image "a:1": i/o timeout', "count": 3}
    assert judged(pod(**waiting("ImagePullBackOff")), event).state is ServiceState.UNHEALTHY


def test_out_of_memory_is_said() -> None:
    found = judged(
        pod(**waiting("CrashLoopBackOff", restartCount=4, lastState=ended(137, "OOMKilled")))
    )
    assert found.state is ServiceState.FAILED
    assert found.reason == "the container ran out of memory; restart 4"
    assert (found.evidence.out_of_memory, found.evidence.exit_code) == (True, -9)


def test_a_first_crash_is_no_failure() -> None:
    found = judged(pod(**waiting("CrashLoopBackOff", restartCount=1, lastState=ended(1))))
    assert found.state is ServiceState.UNHEALTHY
    assert found.reason == "the container ended with exit code 1; restart 1"


def test_init_that_raises_fails_at_once_with_its_traceback() -> None:
    words = "init() raised ValueError: no such weights\nTraceback (most recent call last):\n  x"
    found = judged(
        pod(**waiting("CrashLoopBackOff", restartCount=1, lastState=ended(3, "Error", words)))
    )
    assert found.state is ServiceState.FAILED
    assert found.reason.startswith("init() raised ValueError: no such weights")
    assert found.evidence.traceback.startswith("Traceback")


def test_a_failing_readiness_probe_is_said() -> None:
    event = {"reason": "Unhealthy", "message": "Readiness probe failed: HTTP 503"}
    running = pod(containerStatuses=[{"started": True, "state": {"running": {}}}])
    found = judged(running, event)
    assert (found.state, found.reason) == (ServiceState.UNHEALTHY, event["message"])


def test_an_evicted_pod_says_why() -> None:
    found = judged(pod(phase="Failed", reason="Evicted", message="The node was low on memory"))
    assert found.state is ServiceState.UNHEALTHY
    assert "low on memory" in found.reason


def test_a_pod_that_does_not_end_names_what_holds_it() -> None:
    held = pod()
    held["metadata"] |= {"deletionTimestamp": BORN, "finalizers": ["example/hold"]}
    found = judged(held)
    assert found.state is ServiceState.UNHEALTHY
    assert "finalizers example/hold" in found.reason


def test_no_progress_until_the_deadline_is_a_failure_with_the_deepest_reason() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    found = status(pod(**waiting("ContainerCreating")), conditions=[late])
    assert found.state is ServiceState.FAILED
    assert found.reason == "the container is being made; it makes no progress"
