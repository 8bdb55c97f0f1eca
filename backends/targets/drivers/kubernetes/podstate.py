"""One pod's state in the service's terms: a pure function over the pod and its events.

Rows follow what Kubernetes 1.20 to 1.37 writes into a pod's status; the deepest reason goes first.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from backends.errors import Conflict, NotFound
from backends.targets.drivers.kubernetes import names, words
from backends.targets.records import Evidence, Replica, ServiceState

GIVEN_UP = 3
"""Restarts after which a pod that was never ready has failed."""
GRACE = 30.0
"""Seconds in which something that is missing may still be made, and a pod may still end."""
_WRONG_IMAGE = {"InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_PULLING = {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"}
_WRONG_START = {"CreateContainerError", "RunContainerError", "StartError"}
_STARTED_NEVER = 3
_STAGES = {_STARTED_NEVER: "init"}
"""Exit codes of the scoring server that name a stage."""
_SIGNALLED = 128


class Judged(Struct, frozen=True, kw_only=True):
    """What one pod tells."""

    state: ServiceState
    reason: str
    evidence: Evidence = field(default_factory=Evidence)


def ready(pod: Mapping[str, Any]) -> bool:
    """It takes requests and is not on its way out."""
    conditions = pod["status"].get("conditions") or ()
    good = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return good and not pod["metadata"].get("deletionTimestamp")


def judge(
    pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]], *, now: float | None = None
) -> Judged:
    """The state of a pod.

    Args:
        pod: As the API gives it.
        events: Those of this pod, oldest first.
        now: Seconds since the epoch.
    """
    now = time.time() if now is None else now
    status = pod["status"]
    if leaving := pod["metadata"].get("deletionTimestamp"):
        return _leaving(pod, leaving, now)
    if status.get("phase") == "Failed":
        said = status.get("message") or status.get("reason") or "no reason"
        return _judged(ServiceState.UNHEALTHY, f"the pod has ended: {said}", said)
    if problem := _unscheduled(status):
        return problem
    if ready(pod):
        return Judged(state=ServiceState.HEALTHY, reason="the pod takes requests")
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    for container in containers:
        if found := _container(pod, container, events, now):
            return found
    return Judged(state=ServiceState.TRANSITIONING, reason="the pod is being made")


def restarts(pod: Mapping[str, Any]) -> int:
    """How often its containers were started again."""
    return sum(int(c.get("restartCount") or 0) for c in pod["status"].get("containerStatuses", ()))


def replica(
    pod: Mapping[str, Any], events: Mapping[str, Sequence[Mapping[str, Any]]], newest: int
) -> Replica:
    """A pod as one of a service's replicas; `newest` is the revision that is being brought up."""
    revision = names.revision_of(pod)
    judged = judge(pod, events.get(str(pod["metadata"].get("uid")), ()))
    leaving = bool(pod["metadata"].get("deletionTimestamp")) or revision != newest
    role = "serving" if ready(pod) else "leaving" if leaving else "coming"
    return Replica(
        name=str(pod["metadata"]["name"]),
        revision=revision,
        state=judged.state,
        reason=judged.reason,
        role=role,
        since=_began(pod),
        restarts=restarts(pod),
    )


def runnable(pods: Sequence[Mapping[str, Any]], name: str, service: str) -> str:
    """Name of a pod in which a program can be run: the named one, else one that serves.

    Raises:
        NotFound: there is no such pod.
        Conflict: its container does not run.
    """
    named = [pod for pod in pods if not name or pod["metadata"]["name"] == name]
    if not named:
        there = ", ".join(str(pod["metadata"]["name"]) for pod in pods) or "none"
        raise NotFound(f"Service {service} has no replica {name}.", fix=f"It has {there}.")
    for pod in sorted(named, key=ready, reverse=True):
        if _began(pod):
            return str(pod["metadata"]["name"])
    raise Conflict(
        f"No container of service {service} runs, so nothing can run in it:"
        f" {judge(named[0], ()).reason}.",
        fix=f"`pilothouse service show -n {service}` tells more.",
    )


def _began(pod: Mapping[str, Any]) -> float:
    """When its container's present life began; 0 while it does not run."""
    for container in pod["status"].get("containerStatuses") or ():
        running = (container.get("state") or {}).get("running")
        if running and running.get("startedAt"):
            return _seconds(running["startedAt"])
    return 0.0


def _leaving(pod: Mapping[str, Any], leaving: str, now: float) -> Judged:
    held = ", ".join(pod["metadata"].get("finalizers") or ())
    node = pod["spec"].get("nodeName") or "no node"
    if now - _seconds(leaving) > GRACE:
        why = f"finalizers {held}" if held else f"node {node}"
        return _judged(ServiceState.UNHEALTHY, f"the pod is stuck while it ends ({why})", why)
    return Judged(state=ServiceState.TRANSITIONING, reason="the pod is ending")


def _unscheduled(status: Mapping[str, Any]) -> Judged | None:
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            said = str(condition.get("message") or condition.get("reason") or "no node fits")
            unschedulable = condition.get("reason") == "Unschedulable"
            state = ServiceState.UNSCHEDULABLE if unschedulable else ServiceState.TRANSITIONING
            return _judged(state, said.rstrip("."), said, stage="schedule")
    return None


def _container(
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    now: float,
) -> Judged | None:
    state = container.get("state") or {}
    if waiting := state.get("waiting"):
        return _waiting(pod, container, waiting, events, now)
    if ended := state.get("terminated"):
        return _ended(pod, container, ended)
    if "running" in state:
        return _running(pod, container, events)
    return None


def _waiting(
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    waiting: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    now: float,
) -> Judged:
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if reason in _WRONG_IMAGE:
        said = f"the image cannot be used: {words.plain(message) or reason}"
        return _judged(ServiceState.FAILED, said, reason, stage="image")
    if reason in _WRONG_START:
        said = f"the container cannot start: {words.plain(message) or reason}"
        return _judged(ServiceState.FAILED, said, reason)
    if reason in _PULLING:
        return _pulling(container, reason, message, events)
    if reason == "CreateContainerConfigError":
        said = f"the container cannot be made: {message or reason}"
        young = now - _seconds(pod["metadata"]["creationTimestamp"]) < GRACE
        return _judged(ServiceState.TRANSITIONING if young else ServiceState.FAILED, said, reason)
    if reason == "CrashLoopBackOff":
        return _ended(pod, container, (container.get("lastState") or {}).get("terminated") or {})
    newest = _newest(events, {"FailedMount", "FailedCreatePodSandBox", "FailedAttachVolume"})
    if newest:
        return _judged(ServiceState.TRANSITIONING, newest, reason or "waiting")
    said = "the container is being made" if reason == "ContainerCreating" else reason or "waiting"
    return Judged(state=ServiceState.TRANSITIONING, reason=said)


def _pulling(
    container: Mapping[str, Any],
    reason: str,
    message: str,
    events: Sequence[Mapping[str, Any]],
) -> Judged:
    """An image that cannot be pulled; the first time may be chance."""
    failed = [e for e in events if str(e.get("message", "")).startswith("Failed to pull image")]
    tries = sum(int(event.get("count") or 1) for event in failed)
    said = str(failed[-1]["message"]) if failed else message or reason
    image = container.get("image") or "the image"
    state = ServiceState.UNHEALTHY if tries > 1 else ServiceState.TRANSITIONING
    if any(word in said for word in ("not found", "manifest unknown", "unauthorized", "denied")):
        state = ServiceState.FAILED if tries > 1 else state
    said = words.plain(said)
    text = said if image in said else f"{image}: {said}"
    return _judged(state, text, reason, stage="image")


def _ended(
    pod: Mapping[str, Any], container: Mapping[str, Any], ended: Mapping[str, Any]
) -> Judged:
    """A container that ended, waiting or not for its next start."""
    code = int(ended.get("exitCode") or 0)
    code = _SIGNALLED - code if _SIGNALLED < code <= _SIGNALLED + 64 else code
    told = str(ended.get("message") or "").strip()
    out_of_memory = ended.get("reason") == "OOMKilled"
    first, _, rest = told.partition("\n")
    count = int(container.get("restartCount") or 0)
    never = not container.get("started") and not container.get("ready")
    evidence = Evidence(
        stage=_STAGES.get(code, "container") if told else "container",
        exit_code=code,
        out_of_memory=out_of_memory,
        traceback=rest.strip(),
        event=str(ended.get("reason") or ""),
    )
    if out_of_memory:
        said = f"the container ran out of memory{words.memory_limit(pod)}"
    elif first:
        said = first
    else:
        said = f"the container ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}"
    failed = never and ((told and code == _STARTED_NEVER) or count >= GIVEN_UP)
    state = ServiceState.FAILED if failed else ServiceState.UNHEALTHY
    suffix = f"; restart {count}" if count else ""
    return Judged(state=state, reason=f"{said.rstrip('.')}{suffix}", evidence=evidence)


def _running(
    pod: Mapping[str, Any], container: Mapping[str, Any], events: Sequence[Mapping[str, Any]]
) -> Judged:
    if not container.get("started", True):
        last = (container.get("lastState") or {}).get("terminated")
        if last and int(container.get("restartCount") or 0) >= 1:
            return _ended(pod, container, last)
        return Judged(state=ServiceState.TRANSITIONING, reason="import and init()")
    killed = _newest(events, {"Killing"})
    failing = _newest(events, {"Unhealthy"})
    said = failing or killed
    if not said:
        return Judged(state=ServiceState.TRANSITIONING, reason="the pod is not ready yet")
    return _judged(ServiceState.UNHEALTHY, said, "not ready", stage="health")


def _newest(events: Sequence[Mapping[str, Any]], reasons: set[str]) -> str:
    found = [str(event.get("message") or "") for event in events if event.get("reason") in reasons]
    return found[-1] if found else ""


def _judged(state: ServiceState, reason: str, event: str, *, stage: str = "container") -> Judged:
    return Judged(state=state, reason=reason, evidence=Evidence(stage=stage, event=event))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
