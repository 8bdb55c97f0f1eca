"""A service as its containers show it: the engine's view, and the scoring server's laid over it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from backends.engines.engine import Engine
from backends.errors import PilothouseError
from backends.targets.control import status_from_json
from backends.targets.drivers.docker import files, together
from backends.targets.drivers.docker.current import Group, current_spec, group
from backends.targets.drivers.docker.entries import Entries
from backends.targets.drivers.docker.finding import Container, identity, name_of, revision_of
from backends.targets.drivers.docker.reaching import direct_url
from backends.targets.drivers.docker.shape import place_of
from backends.targets.drivers.docker.state import Judged, judge, restarts, serving_at_all
from backends.targets.records import (
    Evidence,
    Observed,
    Replica,
    ServiceSpec,
    ServiceState,
    Status,
)
from backends.targets.stamps import stamp_ns
from backends.targets.streams import parse_line

LAST_LINES = 20
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Word:
    """What a container's server told."""

    told: Status | None = None
    live: bool = False
    """Just now, which is newer than any health check of the engine."""


async def observe(engine: Engine, target: str, found: Sequence[Container]) -> Observed | None:
    """A service with all that can be known now; None when none of its containers is left.

    Args:
        engine: Where it runs.
        target: Name of the target that asks.
        found: Its containers.

    Raises:
        PilothouseError: the engine could not be asked.
    """
    known = await group(engine, found)
    if known.newest is None:
        return None
    spec = await current_spec(engine, known.newest, target)
    words = {identity(c): Word(await last_word(engine, c, spec.name)) for c in known.servers}
    status = await composed(engine, known, spec, words)
    place = place_of(known.router) if known.router is not None else None
    url = direct_url(engine.address, place) if place else None
    return Observed(spec=spec, status=status, url=url)


async def replicas_of(engine: Engine, known: Group, spec: ServiceSpec) -> tuple[Replica, ...]:
    """Its servers, each with its own state, those that answer first.

    Raises:
        PilothouseError: the engine could not be asked.
    """

    async def seen(container: Container, role: str) -> Replica:
        status = status_of(container, spec, await last_word(engine, container, spec.name))
        return Replica(
            name=name_of(container),
            revision=status.serving or status.rolling_out or revision_of(container),
            state=status.state,
            reason=status.reason,
            role=role,
            since=started(container),
            restarts=restarts(container),
        )

    roles = {"serving": known.serving, "coming": known.coming, "leaving": known.leaving}
    return tuple(
        await asyncio.gather(*(seen(each, role) for role, found in roles.items() for each in found))
    )


async def composed(
    engine: Engine, known: Group, spec: ServiceSpec, words: Mapping[str, Word]
) -> Status:
    """The one state of a service.

    Args:
        engine: Where it runs.
        known: Its containers; there is at least one.
        spec: What was applied last.
        words: What the servers told, by container.

    Raises:
        PilothouseError: the engine could not be asked.
    """

    def of(containers: Sequence[Container]) -> Status:
        found = [_status(container, spec, words) for container in containers]
        return together.replicas(found, spec.replicas)

    if known.coming and known.serving and not _same_revision(known, spec, words):
        now, coming = of(known.serving), of(known.coming)
        status = together.beside(now, coming, spec.revision)
    else:
        status = of([*known.serving, *known.coming] or known.leaving)
        if known.leaving and known.serving:
            status = together.draining(status)
    status = _through(known, status)
    if status.state is ServiceState.FAILED and not status.evidence.last_lines:
        lines = await last_lines(engine, known.servers[0])
        status = replace(status, evidence=replace(status.evidence, last_lines=lines))
    return status


def _status(container: Container, spec: ServiceSpec, words: Mapping[str, Word]) -> Status:
    word = words.get(identity(container), Word())
    return status_of(container, spec, word.told, live=word.live)


def _same_revision(known: Group, spec: ServiceSpec, words: Mapping[str, Word]) -> bool:
    """What is coming are more replicas of what serves."""
    serving = words.get(identity(known.serving[0]), Word()).told
    made = revision_of(known.serving[0])
    return (serving.serving if serving is not None else made) == spec.revision


def _through(known: Group, status: Status) -> Status:
    """Requests come through the router: without it nothing is served."""
    router = known.router
    if status.serving is None or (router is not None and serving_at_all(router)):
        return status
    why = judge(router).reason if router is not None else "it was removed"
    return replace(
        status,
        state=ServiceState.UNHEALTHY,
        reason=f"the router, which owns the service's port, does not run: {why}",
        serving=None,
        ready=0,
        evidence=Evidence(stage="router", event=why),
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
