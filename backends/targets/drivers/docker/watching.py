"""A service's status as it changes: look at its containers again whenever something hints at it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from backends.engines.engine import Engine
from backends.errors import NotFound, PilothouseError
from backends.targets.drivers.docker import finding, inside, labels
from backends.targets.drivers.docker.current import Group, current_spec, group
from backends.targets.drivers.docker.events import hints
from backends.targets.drivers.docker.observation import Word, composed, last_word, started
from backends.targets.drivers.docker.state import restarts, serving_at_all
from backends.targets.drivers.docker.tidying import tidy
from backends.targets.launches import grace
from backends.targets.records import Status, StreamEnd

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
        self._ears: dict[str, Ear] = {}
        self._tidying: set[asyncio.Task[None]] = set()

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
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._hint.wait()
            yield StreamEnd(CLOSED)
        except PilothouseError:
            if not self._closed():
                raise
            yield StreamEnd(CLOSED)
        finally:
            events.cancel()
            await asyncio.gather(events, return_exceptions=True)
            await self._listen_to(())
            await asyncio.gather(*self._tidying, return_exceptions=True)

    async def _look(self) -> Status | None:
        found = await finding.containers(self._engine, self._workspace, self._name)
        known = await group(self._engine, found)
        if known.newest is None:
            return None
        await self._listen_to(known.servers)
        for container in known.servers:
            ear = self._ears[finding.identity(container)]
            if ear.word.told is None and (restarts(container) or not serving_at_all(container)):
                ear.word = Word(await last_word(self._engine, container, self._name))
        spec = await current_spec(self._engine, known.newest, self._target)
        words = {identity: ear.word for identity, ear in self._ears.items()}
        if known.leaving and not self._tidying and not self._busy():
            self._tidy(known, grace(spec))
        return await composed(self._engine, known, spec, words)

    def _tidy(self, known: Group, seconds: float) -> None:
        """Whoever began the change may be gone: end it here."""
        task = asyncio.create_task(tidy(self._engine, known, seconds))
        self._tidying.add(task)
        task.add_done_callback(self._tidied)

    def _tidied(self, task: asyncio.Task[None]) -> None:
        self._tidying.discard(task)
        self._hint.set()
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, PilothouseError):  # looking finds the others
            raise error

    async def _pass_on(self) -> None:
        """The engine's events; when they end the target was closed."""
        wanted = labels.filters(self._workspace, self._name)["label"]
        async with aclosing(hints(self._engine, wanted)) as changes:
            async for _ in changes:
                self._hint.set()
        self._hint.set()

    async def _listen_to(self, containers: Sequence[finding.Container]) -> None:
        """Have the servers in these containers tell their status, and no others."""
        known = {finding.identity(container) for container in containers}
        for identity in self._ears.keys() - known:
            await self._ears.pop(identity).close()
        for container in containers:
            identity = finding.identity(container)
            if identity not in self._ears:
                self._ears[identity] = Ear(self._engine, identity, self._name, self._hint)
            await self._ears[identity].listen(container)


class Ear:
    """Listens to the server of one container, through its lives."""

    def __init__(self, engine: Engine, container: str, service: str, hint: asyncio.Event) -> None:
        self.word = Word()
        self._engine = engine
        self._container = container
        self._service = service
        self._hint = hint
        self._life = -1.0
        self._task: asyncio.Task[None] | None = None

    async def listen(self, container: finding.Container) -> None:
        """Listen in this life of it; what a life before told stays of use."""
        life = started(container) if serving_at_all(container) else 0.0
        if life == self._life:
            return
        self._life = life
        await self.close()
        if life:
            self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Listen no more."""
        self.word = Word(self.word.told)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(PilothouseError):
                stream = inside.statuses(self._engine, self._container, self._service)
                async with aclosing(stream) as statuses:
                    async for status in statuses:
                        self.word = Word(status, live=True)
                        self._hint.set()
            self.word = Word(self.word.told)
            self._hint.set()
            await asyncio.sleep(_AGAIN)


def missing(name: str, target: str) -> NotFound:
    """There is no such service."""
    return NotFound(
        f"There is no service '{name}' on {target}.",
        fix="`pilothouse service list` shows those that are there.",
    )
