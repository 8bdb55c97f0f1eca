"""A service as its containers show it: the engine's view, and the scoring server's laid over it."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from backends.engines.engine import Engine
from backends.errors import PilothouseError
from backends.targets.control import status_from_json
from backends.targets.drivers.docker import files, labels
from backends.targets.drivers.docker.entries import Entries, stamp_ns
from backends.targets.drivers.docker.finding import Container, identity, newest
from backends.targets.drivers.docker.shape import place_of
from backends.targets.drivers.docker.state import Judged, judge, serving_at_all
from backends.targets.records import Observed, ServiceSpec, ServiceState, Status
from backends.targets.streams import parse_line

LAST_LINES = 20
_SECOND = 1_000_000_000


async def observe(
    engine: Engine, target: str, found: Sequence[Container], host: str | None
) -> Observed | None:
    """A service with all that can be known now; None when none of its containers is left.

    Args:
        engine: Where it runs.
        target: Name of the target that asks.
        found: Its containers.
        host: Where published ports are reached from here; None when they are not.

    Raises:
        PilothouseError: the engine could not be asked.
    """
    container = newest(found)
    if container is None:
        return None
    spec = spec_of(container, target)
    told = await last_word(engine, container, spec.name)
    status = status_of(container, spec, told)
    if status.state is ServiceState.FAILED and not status.evidence.last_lines:
        lines = await last_lines(engine, container)
        status = replace(status, evidence=replace(status.evidence, last_lines=lines))
    place = place_of(container)
    url = f"http://{host}:{place.port}" if place and host else None
    return Observed(spec=spec, status=status, url=url)


def spec_of(container: Container, target: str) -> ServiceSpec:
    """The spec that a container carries, under the name by which its engine is known here."""
    words = labels.labels_of(container)
    spec = labels.labelled_spec(container)
    if spec is not None:
        return replace(spec, target=target)
    return ServiceSpec(
        workspace=words.get(labels.WORKSPACE, ""),
        name=words.get(labels.SERVICE, ""),
        revision=0,
        target=target,
    )


async def last_word(engine: Engine, container: Container, service: str) -> Status | None:
    """What the server of a container wrote last, in this life or one before; None is nothing.

    Raises:
        PilothouseError: the engine could not be asked.
    """
    text = await files.get(engine, identity(container), files.STATE_FILE)
    return status_from_json(service, text) if text else None


def status_of(
    container: Container, spec: ServiceSpec, told: Status | None, *, live: bool = False
) -> Status:
    """The one state of a service.

    Args:
        container: Inspected.
        spec: What it runs.
        told: The server's last word, of this life of the container or one before.
        live: The server said so just now, which is newer than any health check of the engine.
    """
    judged = judge(container, was_healthy=_served(told))
    if told is not None and told.at < started(container):
        told = None
    if serving_at_all(container) and told is not None:
        stuck = judged.state is ServiceState.UNHEALTHY and told.state is ServiceState.HEALTHY
        if live or not stuck:
            return replace(told, service=spec.name, wanted=spec.replicas)
    if judged.state is ServiceState.FAILED and told is not None:
        judged = _with_last_word(judged, told)
    running = judged.open
    return Status(
        service=spec.name,
        state=ServiceState.TRANSITIONING if running else judged.state,
        reason=judged.reason,
        at=changed(container),
        serving=None,
        rolling_out=spec.revision if running else None,
        ready=0,
        wanted=spec.replicas,
        evidence=judged.evidence,
        phase="starting" if running else "",
    )


def _served(told: Status | None) -> bool:
    """It served once, by its last word; one that was told to stop had not failed."""
    return told is not None and (
        told.serving is not None or told.state in {ServiceState.HEALTHY, ServiceState.STOPPED}
    )


async def last_lines(engine: Engine, container: Container) -> tuple[str, ...]:
    """The end of a container's log; empty when it cannot be read."""
    terminal = bool((container.get("Config") or {}).get("Tty"))
    asked: Mapping[str, str | int] = {
        "stdout": 1,
        "stderr": 1,
        "timestamps": 1,
        "tail": LAST_LINES,
    }
    entries = Entries(terminal=terminal)
    lines: list[str] = []
    path = f"/containers/{identity(container)}/logs"
    try:
        async for piece in engine.stream("read the log", "GET", path, params=asked):
            lines += [parse_line(entry.text, None).text for entry in entries.feed(piece)]
    except (PilothouseError, ValueError):
        return tuple(lines)
    return tuple(lines)


def started(container: Container) -> float:
    """When its present life began, seconds since the epoch; 0 before its first start."""
    return _moment(container, "StartedAt")


def changed(container: Container) -> float:
    """When its state last changed, as far as the engine tells."""
    moments = (started(container), _moment(container, "FinishedAt"))
    made = stamp_ns(str(container.get("Created") or "").encode()) / _SECOND
    return max(*moments, made) or time.time()


def _moment(container: Container, name: str) -> float:
    state: Mapping[str, Any] = container.get("State") or {}
    return max(0.0, stamp_ns(str(state.get(name) or "").encode()) / _SECOND)


def _with_last_word(judged: Judged, told: Status) -> Judged:
    """An ended container whose server had failed before: that is the deeper reason."""
    if told.state is not ServiceState.FAILED:
        return judged
    evidence = replace(
        told.evidence,
        exit_code=judged.evidence.exit_code,
        out_of_memory=told.evidence.out_of_memory or judged.evidence.out_of_memory,
        event=judged.evidence.event,
    )
    return Judged(state=judged.state, reason=told.reason, evidence=evidence)
