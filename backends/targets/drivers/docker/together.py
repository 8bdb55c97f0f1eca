"""The state of a service out of the states of its replicas, and of the revision that follows."""

from collections.abc import Sequence

from msgspec.structs import replace

from backends.targets.records import Evidence, ServiceState, Status

_BAD = frozenset({ServiceState.FAILED, ServiceState.UNHEALTHY, ServiceState.UNSCHEDULABLE})


def replicas(parts: Sequence[Status], wanted: int) -> Status:
    """Replicas of one revision as one; there is at least one."""
    if len(parts) == 1:
        return replace(parts[0], wanted=wanted)
    ready = sum(part.ready for part in parts)
    state, reason, evidence = _of_all(parts, ready, wanted)
    serving = [part.serving for part in parts if part.serving is not None]
    coming = [part.rolling_out for part in parts if part.rolling_out is not None]
    return replace(
        parts[0],
        state=state,
        reason=reason,
        evidence=evidence,
        at=max(part.at for part in parts),
        serving=min(serving, default=None),
        rolling_out=max(coming, default=None),
        ready=ready,
        wanted=wanted,
        phase=next((part.phase for part in parts if part.state is state), ""),
    )


def beside(now: Status, coming: Status, revision: int) -> Status:
    """One revision that gets the requests, and another that is brought up beside it."""
    if now.serving is None:
        return coming
    serves = f"revision {now.serving} still serves"
    if coming.state in _BAD:
        failed = coming.state is not ServiceState.UNHEALTHY
        return replace(
            now,
            state=ServiceState.UNHEALTHY,
            reason=f"revision {revision} {'failed' if failed else 'is stuck'}: {coming.reason};"
            f" {serves}",
            evidence=coming.evidence,
            rolling_out=None if failed else revision,
            at=max(now.at, coming.at),
        )
    return replace(
        now,
        state=ServiceState.TRANSITIONING,
        reason=f"revision {revision}: {coming.phase or coming.reason}; {serves}",
        rolling_out=revision,
        phase=coming.phase or "starting",
        at=max(now.at, coming.at),
    )


def draining(now: Status) -> Status:
    """A revision that has taken over while replicas before it finish their requests."""
    if now.state is not ServiceState.HEALTHY:
        return now
    return replace(
        now,
        state=ServiceState.TRANSITIONING,
        reason=f"revision {now.serving} serves; replicas before it finish their requests",
        rolling_out=now.serving,
        phase="draining",
    )


def _of_all(parts: Sequence[Status], ready: int, wanted: int) -> tuple[ServiceState, str, Evidence]:
    states = {part.state for part in parts}
    if len(states) == 1 and not (states == {ServiceState.HEALTHY} and len(parts) < wanted):
        return parts[0].state, parts[0].reason, parts[0].evidence
    worst = next((p for p in parts if p.state in _BAD), None)
    if worst is not None:
        number = parts.index(worst) + 1
        reason = f"replica {number}: {worst.reason}; {ready} of {wanted} replicas serve"
        return ServiceState.UNHEALTHY, reason, worst.evidence
    moving = next((p for p in parts if p.state is not ServiceState.HEALTHY), parts[0])
    reason = f"{ready} of {wanted} replicas serve; {moving.reason}"
    return ServiceState.TRANSITIONING, reason, moving.evidence
