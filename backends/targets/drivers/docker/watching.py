"""A service's status as it changes: look at its containers again whenever something hints at it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from msgspec.structs import replace

from backends.engines.engine import Engine
from backends.errors import NotFound, PilothouseError
from backends.targets.drivers.docker import finding, inside, labels
from backends.targets.drivers.docker.events import hints
from backends.targets.drivers.docker.observation import (
    last_lines,
    last_word,
    spec_of,
    started,
    status_of,
)
from backends.targets.drivers.docker.state import restarts, serving_at_all
from backends.targets.records import ServiceState, Status, StreamEnd

CLOSED = "the target was closed"
DELETED = "the service was deleted"
_LOOK_SECONDS = 5.0
"""How often it is looked without a hint."""
_AGAIN = 0.5
"""Seconds before a server that stopped telling is asked again."""


class Watch:
    """One watch of one service.

    Args:
        engine: Where it runs.
        workspace: Of the service.
        name: Of the service.
        target: Name of the target that asks.
        closed: The target was closed.
        busy: The service is being changed from here, and may have no container for a moment.
    """

    def __init__(
        self,
        engine: Engine,
        workspace: str,
        name: str,
        *,
        target: str,
        closed: Callable[[], bool],
        busy: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._workspace = workspace
        self._name = name
        self._target = target
        self._closed = closed
        self._busy = busy
        self._hint = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._life: tuple[str, float] = ("", 0.0)
        self._told: Status | None = None
        self._live = False

    async def statuses(self) -> AsyncGenerator[Status | StreamEnd, None]:
        """At once and at each change; the last item says why it ended.

        Raises:
            NotFound: there is no such service.
            PilothouseError: the engine cannot be reached.
        """
        last: Status | None = None
        events = asyncio.create_task(self._pass_on())
        try:
            while not self._closed():
                self._hint.clear()
                status = await self._look()
                if status is None and not self._busy():
                    if last is None:
                        raise missing(self._name, self._target)
                    yield StreamEnd(DELETED)
                    return
                if status is not None and (last is None or replace(status, at=last.at) != last):
                    last = status
                    yield status
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hint.wait(), _LOOK_SECONDS)
            yield StreamEnd(CLOSED)
        except PilothouseError:
            if not self._closed():
                raise
            yield StreamEnd(CLOSED)
        finally:
            events.cancel()
            await asyncio.gather(events, return_exceptions=True)
            await self._listen_to(None)

    async def _look(self) -> Status | None:
        found = await finding.containers(self._engine, self._workspace, self._name)
        container = finding.newest(finding.by_service(found).get(self._name, ()))
        if container is None:
            return None
        await self._listen_to(container)
        if self._told is None and (restarts(container) or not serving_at_all(container)):
            self._told = await last_word(self._engine, container, self._name)
        spec = spec_of(container, self._target)
        status = status_of(container, spec, self._told, live=self._live)
        if status.state is ServiceState.FAILED and not status.evidence.last_lines:
            lines = await last_lines(self._engine, container)
            status = replace(status, evidence=replace(status.evidence, last_lines=lines))
        return status

    async def _pass_on(self) -> None:
        """The engine's events; when they end the target was closed."""
        wanted = labels.filters(self._workspace, self._name)["label"]
        async with aclosing(hints(self._engine, wanted)) as changes:
            async for _ in changes:
                self._hint.set()
        self._hint.set()

    async def _listen_to(self, container: finding.Container | None) -> None:
        """Have the server in this life of this container tell its status; None is nobody."""
        identity = finding.identity(container) if container else ""
        running = container is not None and serving_at_all(container)
        life = (identity, started(container)) if container and running else (identity, 0.0)
        if identity != self._life[0]:
            self._told = None  # of an earlier life of the same container it is still of use
        if life == self._life:
            return
        self._life = life
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        self._live = False
        self._listening = asyncio.create_task(self._listen(identity)) if running else None

    async def _listen(self, container: str) -> None:
        while True:
            with contextlib.suppress(PilothouseError):
                stream = inside.statuses(self._engine, container, self._name)
                async with aclosing(stream) as statuses:
                    async for status in statuses:
                        self._told, self._live = status, True
                        self._hint.set()
            self._live = False
            self._hint.set()
            await asyncio.sleep(_AGAIN)


def missing(name: str, target: str) -> NotFound:
    """There is no such service."""
    return NotFound(
        f"There is no service '{name}' on {target}.",
        fix="`pilothouse service list` shows those that are there.",
    )
