"""A service's state: what its Deployment, pods and their events say together.

The Deployment itself only tells that it makes no progress; why, its pods know. An old revision
that serves while the new one is stuck is not down.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from backends.targets.drivers.kubernetes import names, podstate, words
from backends.targets.drivers.kubernetes.podstate import Judged
from backends.targets.records import Evidence, ServiceState, Status

STOPPED = "pilothouse/stopped"
"""Annotation of a Deployment: the number of replicas that it had when it was stopped."""
_WORST = (
    ServiceState.FAILED,
    ServiceState.UNSCHEDULABLE,
    ServiceState.UNHEALTHY,
    ServiceState.TRANSITIONING,
    ServiceState.HEALTHY,
)
"""Which pod speaks for a revision that is not complete: the first of these."""

Object = Mapping[str, Any]


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything of one service at one moment."""

    deployment: Object
    pods: Sequence[Object] = ()
    events: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    """Events by the uid of what they are about, oldest first."""


def status_of(snapshot: Snapshot, at: float) -> Status:
    """The service's state.

    Args:
        snapshot: What the cluster holds.
        at: When it was seen, seconds since the epoch.
    """
    deployment = snapshot.deployment
    name = str(deployment["metadata"]["name"])
    wanted = int(deployment["spec"].get("replicas", 1))
    newest = names.revision_of(deployment)
    ours = [pod for pod in snapshot.pods if names.revision_of(pod) == newest]
    older = [pod for pod in snapshot.pods if names.revision_of(pod) != newest]
    ready = sum(map(podstate.ready, ours))
    serving = newest if ready else _serving(older)
    done = complete(deployment)
    judged = _judge(snapshot, ours, older, done=done, newest=newest, wanted=wanted)
    stopped = STOPPED in (deployment["metadata"].get("annotations") or {})
    if stopped and not wanted:
        judged = Judged(state=ServiceState.STOPPED, reason="stopped")
    if deployment["metadata"].get("deletionTimestamp"):
        done, judged = False, _leaving(snapshot)
    return Status(
        service=name,
        state=judged.state,
        reason=judged.reason,
        at=at,
        serving=None if stopped else serving,
        rolling_out=None if done or stopped else newest,
        ready=ready if serving == newest else sum(map(podstate.ready, older)),
        wanted=wanted,
        evidence=judged.evidence,
        phase="" if done else "rolling out",
    )


def complete(deployment: Object) -> bool:
    """Every replica is of the newest revision and takes requests, and no other is left."""
    said = deployment.get("status") or {}
    wanted = int(deployment["spec"].get("replicas", 1))
    counts = {
        int(said.get(key) or 0) for key in ("updatedReplicas", "availableReplicas", "replicas")
    }
    seen = int(said.get("observedGeneration") or 0)
    return counts == {wanted} and seen >= int(deployment["metadata"].get("generation") or 0)


def _judge(
    snapshot: Snapshot,
    ours: Sequence[Object],
    older: Sequence[Object],
    *,
    done: bool,
    newest: int,
    wanted: int,
) -> Judged:
    if done and wanted:
        return Judged(state=ServiceState.HEALTHY, reason=f"revision {newest} serves")
    found = _deepest(snapshot, ours)
    ready_older = sum(map(podstate.ready, older))
    serving = _serving(older)
    stuck = found.state in {ServiceState.FAILED, ServiceState.UNSCHEDULABLE, ServiceState.UNHEALTHY}
    if not stuck:
        updated = sum(map(podstate.ready, ours))
        return Judged(
            state=ServiceState.TRANSITIONING,
            reason=f"{updated} of {wanted} updated: {found.reason}",
        )
    if serving is not None:
        return Judged(
            state=ServiceState.UNHEALTHY,
            reason=f"revision {newest} is stuck: {found.reason};"
            f" revision {serving} still serves {ready_older}/{wanted}",
            evidence=found.evidence,
        )
    if any(map(podstate.ready, ours)):
        return Judged(state=ServiceState.UNHEALTHY, reason=found.reason, evidence=found.evidence)
    return found


def _leaving(snapshot: Snapshot) -> Judged:
    """A service that is being deleted; a pod that does not end is named."""
    judged = [podstate.judge(pod, ()) for pod in snapshot.pods]
    stuck = next((one for one in judged if one.state is ServiceState.UNHEALTHY), None)
    said = f": {stuck.reason}" if stuck else ""
    return Judged(
        state=stuck.state if stuck else ServiceState.TRANSITIONING,
        reason=f"the service is being deleted{said}",
    )


def _deepest(snapshot: Snapshot, ours: Sequence[Object]) -> Judged:
    """What keeps the newest revision from being complete."""
    judged = [
        podstate.judge(pod, snapshot.events.get(str(pod["metadata"].get("uid")), ()))
        for pod in ours
        if not pod["metadata"].get("deletionTimestamp")
    ]
    worst = min(judged, key=lambda one: _WORST.index(one.state), default=None)
    if worst is not None and worst.state not in {ServiceState.HEALTHY, ServiceState.TRANSITIONING}:
        return worst
    if (refused := _not_made(snapshot.deployment)) is not None:
        return refused
    if late := _condition(snapshot.deployment, "Progressing", "ProgressDeadlineExceeded"):
        reason = worst.reason if worst is not None else late
        return Judged(state=ServiceState.FAILED, reason=f"{reason}; it makes no progress")
    return worst or Judged(state=ServiceState.TRANSITIONING, reason="no pod is there yet")


def _not_made(deployment: Object) -> Judged | None:
    """Pods that the cluster refuses: a quota, a policy, a webhook."""
    said = _condition(deployment, "ReplicaFailure", "FailedCreate")
    if not said:
        return None
    quota = "exceeded quota" in said
    state = ServiceState.UNSCHEDULABLE if quota else ServiceState.FAILED
    return Judged(
        state=state,
        reason=words.not_made(said),
        evidence=Evidence(stage="schedule", event=said),
    )


def _condition(deployment: Object, kind: str, reason: str) -> str:
    for one in (deployment.get("status") or {}).get("conditions") or ():
        if one["type"] == kind and one.get("reason") == reason:
            return str(one.get("message") or reason)
    return ""


def _serving(pods: Sequence[Object]) -> int | None:
    """The newest revision of which a pod takes requests."""
    found = [names.revision_of(pod) for pod in pods if podstate.ready(pod)]
    return max(found, default=None)
