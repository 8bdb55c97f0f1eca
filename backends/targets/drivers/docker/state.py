"""A container's state in the service's terms: one pure function over `GET /containers/{id}/json`.

The engine's `Status` counts first: its health keeps its last word while a container restarts or
has ended. What the scoring server itself tells goes deeper and is laid over this elsewhere.
"""

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backends.targets.records import Evidence, ServiceState

GIVEN_UP = 3
"""Restarts after which a container that was never healthy has failed."""
_GB = 1_000_000_000
_SIGNALLED = 128
"""Exit codes above it name a signal."""
_STAGE = "container"
_WORDS = {
    signal.SIGKILL: "it was killed (SIGKILL): by someone, or because it did not end in time",
    signal.SIGTERM: "it was ended from outside (SIGTERM)",
    signal.SIGSEGV: "it crashed (SIGSEGV)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the engine alone tells."""

    state: ServiceState
    reason: str
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def open(self) -> bool:
        """The container runs, and only what is in it can say how it is."""
        return self.state in {ServiceState.TRANSITIONING, ServiceState.HEALTHY}

    @property
    def ended(self) -> bool:
        """It does not run and will not by itself."""
        return self.state in {ServiceState.FAILED, ServiceState.STOPPED}


def judge(container: Mapping[str, Any], *, was_healthy: bool = False) -> Judged:
    """The state of an inspected container.

    Args:
        container: `GET /containers/{id}/json`.
        was_healthy: It served once: a restart is a disturbance and not a failed start.
    """
    state: Mapping[str, Any] = container.get("State") or {}
    status = str(state.get("Status") or "")
    if status == "running":
        return _running(container, state, was_healthy=was_healthy)
    if status == "restarting":
        return _restarting(container, state, was_healthy=was_healthy)
    if status == "exited":
        return _exited(container, state)
    if status == "created":
        return _created(container, state)
    if status == "paused":
        return Judged(
            state=ServiceState.UNHEALTHY,
            reason="the container is paused",
            evidence=Evidence(stage=_STAGE, event="paused"),
        )
    if status == "dead" and not stopped_on_request(container):
        text = f"the engine could not remove the container: {state.get('Error') or 'no reason'}"
        return Judged(state=ServiceState.TRANSITIONING, reason=text)
    return Judged(state=ServiceState.TRANSITIONING, reason=f"the container is {status or 'gone'}")


def stopped_on_request(container: Mapping[str, Any]) -> bool:
    """We stopped it: the restart policy was taken away before, which outlives every console."""
    policy = (container.get("HostConfig") or {}).get("RestartPolicy") or {}
    return policy.get("Name") in {"no", ""}


def serving_at_all(container: Mapping[str, Any]) -> bool:
    """A process of it runs now."""
    return (container.get("State") or {}).get("Status") == "running"


def restarts(container: Mapping[str, Any]) -> int:
    """How often the engine started it again by itself."""
    return int(container.get("RestartCount") or 0)


def exit_code(state: Mapping[str, Any]) -> int:
    """Of an ended container; a negative one is the signal."""
    code = int(state.get("ExitCode") or 0)
    return _SIGNALLED - code if _SIGNALLED < code <= _SIGNALLED + 64 else code


def _running(
    container: Mapping[str, Any], state: Mapping[str, Any], *, was_healthy: bool
) -> Judged:
    health: Mapping[str, Any] = state.get("Health") or {}
    status = str(health.get("Status") or "none")
    if status == "healthy":
        return Judged(state=ServiceState.HEALTHY, reason="the container's health check is good")
    if status == "unhealthy":
        said = _last_output(health)
        return Judged(
            state=ServiceState.UNHEALTHY,
            reason=f"the container's health check fails: {said}",
            evidence=Evidence(stage="health", event=said),
        )
    count = restarts(container)
    if count >= GIVEN_UP and not was_healthy:
        reason = f"the container ends soon after each start; restart {count}"
        return Judged(state=ServiceState.FAILED, reason=reason, evidence=Evidence(stage=_STAGE))
    reason = "the scoring server is starting"
    return Judged(state=ServiceState.TRANSITIONING, reason=reason)


def _restarting(
    container: Mapping[str, Any], state: Mapping[str, Any], *, was_healthy: bool
) -> Judged:
    ended = _why_ended(container, state)
    count = restarts(container)
    gone = count >= GIVEN_UP and not was_healthy
    return Judged(
        state=ServiceState.FAILED if gone else ServiceState.UNHEALTHY,
        reason=f"{ended.reason}; restart {count}",
        evidence=ended.evidence,
    )


def _exited(container: Mapping[str, Any], state: Mapping[str, Any]) -> Judged:
    if stopped_on_request(container):
        return Judged(state=ServiceState.STOPPED, reason="stopped on request")
    return _why_ended(container, state)


def _why_ended(container: Mapping[str, Any], state: Mapping[str, Any]) -> Judged:
    code = exit_code(state)
    memory = bool(state.get("OOMKilled"))
    if memory:
        limit = int((container.get("HostConfig") or {}).get("Memory") or 0)
        of = f" (limit {limit / _GB:.2f} GB)" if limit else ""
        reason = f"it was out of memory{of}"
    elif code < 0:
        reason = _signalled(-code)
    else:
        reason = f"it exited with {code}" if code else "it ended by itself"
    error = str(state.get("Error") or "")
    return Judged(
        state=ServiceState.FAILED,
        reason=f"the container is gone: {reason}" + (f": {error}" if error else ""),
        evidence=Evidence(
            stage=_STAGE,
            exit_code=code,
            out_of_memory=memory,
            event=error or f"{state.get('Status')}, exit code {state.get('ExitCode')}",
        ),
    )


def _signalled(number: int) -> str:
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"it was ended by signal {number}"
    return _WORDS.get(known, f"it was ended by {known.name}")


def _created(container: Mapping[str, Any], state: Mapping[str, Any]) -> Judged:
    """A container that never ran: on its way, or one whose start the engine refused."""
    error = " ".join(str(state.get("Error") or "").split())
    if not error:
        if stopped_on_request(container):
            return Judged(state=ServiceState.STOPPED, reason="stopped on request")
        return Judged(state=ServiceState.TRANSITIONING, reason="the container is created")
    return refused(error, exit_code=int(state.get("ExitCode") or 0))


def refused(error: str, *, exit_code: int | None = None) -> Judged:
    """Why the engine did not start a container, by its own words."""
    evidence = Evidence(stage=_STAGE, exit_code=exit_code or None, event=error)
    if "could not select device driver" in error or "Range of CPUs" in error:
        state, reason = ServiceState.UNSCHEDULABLE, error
        if "device driver" in error:
            reason = "the engine has no GPU runtime"
        return Judged(state=state, reason=reason, evidence=evidence)
    if missing := re.search(r'exec: "([^"]*)": (executable file not found|.*no such file)', error):
        reason = f"the image has no command {missing[1]}"
    elif "port is already allocated" in error or "address already in use" in error:
        found = re.search(r"(?:Bind for|listen tcp[46]?) (\S+?):? (?:failed|bind)", error)
        reason = f"the port is in use ({found[1]})" if found else "the port is in use"
    else:
        reason = f"the container could not be started: {error}"
    return Judged(state=ServiceState.FAILED, reason=reason, evidence=evidence)


def _last_output(health: Mapping[str, Any]) -> str:
    """What the newest of the five checks that the engine keeps said."""
    log = health.get("Log") or [{}]
    text = " ".join(str(log[-1].get("Output") or "").split())
    return text[:500] or "it says nothing"
