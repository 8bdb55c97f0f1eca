"""The log of a service: the logs of its containers, merged by time, as they come and go."""

import asyncio
import contextlib
import heapq
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from backends.engines.engine import Engine
from backends.errors import Unavailable
from backends.targets.drivers.docker import labels
from backends.targets.drivers.docker.instances import Instance, instance_from
from backends.targets.drivers.docker.patience import Patience
from backends.targets.drivers.docker.reading import ContainerLog, Items
from backends.targets.merging import Merger, Stamped
from backends.targets.records import Gap, LogLine, LogQuery, StreamEnd
from backends.targets.stamps import SECOND

Containers = Sequence[Mapping[str, Any]]
"""Containers as `GET /containers/{id}/json` describes them."""
Find = Callable[[], Awaitable[Containers]]
Reason = Callable[[Containers], str]
_CLOSED = "the target was closed"
_ROUNDING = 1_000
"""Nanoseconds by which a float of seconds may miss."""
_LOOK_SECONDS = 5.0
"""How often containers are looked for without a hint."""
_NOTHING: tuple[Stamped[LogLine | Gap], ...] = ()
_NONE_BEFORE = "there is no earlier instance in the log"


async def service_log(
    engine: Engine,
    query: LogQuery,
    find: Find,
    changes: AsyncGenerator[None, None],
    reason: Reason,
) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
    """The lines that `query` asks for, of every replica; the last item says why it ended.

    Args:
        engine: Where the containers run.
        query: Which lines.
        find: The service's containers now; none when it is gone.
        changes: Something whenever containers may have come or gone.
        reason: Why nothing will be written any more; empty while something may.
    """
    instances = await _found(find)
    logs = {instance.id: _log(engine, instance, query) for instance in instances}
    kept = _previous if query.previous else _backlog
    async with aclosing(changes), aclosing(kept(list(logs.values()), query)) as items:
        async for item in items:
            yield item
        if query.previous or not query.follow:
            return
        following = _Following(engine, logs, find, changes, reason)
        async with aclosing(following.items()) as coming:
            async for item in coming:
                if _wanted(item, query):
                    yield item
    yield StreamEnd(_CLOSED if engine.closed else following.reason)


async def _found(find: Find) -> list[Instance]:
    patience = Patience()
    while True:
        try:
            return list(map(instance_from, await find()))
        except Unavailable as error:
            await patience.wait(error)


async def _backlog(
    logs: Sequence[ContainerLog], query: LogQuery
) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
    """What is there already."""
    last: deque[LogLine | Gap] = deque(maxlen=query.tail)
    async with Merger[LogLine | Gap](endless=False) as merger:
        for log in logs:
            merger.add(log.backlog() if query.tail is None else log.tail(query.tail))
        async with aclosing(merger.merged()) as items:
            async for item in items:
                if not _wanted(item, query):
                    continue
                if query.tail is None:
                    yield item
                last.append(item)
    if query.tail is not None:
        for item in last:
            yield item
    if not query.follow:
        yield StreamEnd("the end of the log")


async def _previous(
    logs: Sequence[ContainerLog], query: LogQuery
) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
    """What each container wrote in the life before its newest."""
    found = [await _before(log) for log in logs if log.instance.life]
    merged = [item.item for item in heapq.merge(*found, key=lambda item: item.stamp)]
    items = [item for item in merged if _wanted(item, query)]
    for item in items if query.tail is None else items[max(0, len(items) - query.tail) :]:
        yield item
    yield StreamEnd("the end of that instance's log" if merged else _NONE_BEFORE)


async def _before(log: ContainerLog) -> list[Stamped[LogLine | Gap]]:
    boot, lines = "", list[Stamped[LogLine | Gap]]()
    async with aclosing(log.backlog(until=log.instance.life)) as items:
        async for item in items:
            if isinstance(item.item, LogLine) and item.item.boot not in {boot, ""}:
                boot, lines = item.item.boot, []
            lines.append(item)
    return lines


class _Following:
    """All containers' logs from now on, those that come later among them."""

    def __init__(
        self,
        engine: Engine,
        logs: dict[str, ContainerLog],
        find: Find,
        changes: AsyncGenerator[None, None],
        why: Reason,
    ) -> None:
        self.reason = ""
        self._engine = engine
        self._logs = logs
        self._find = find
        self._changes = changes
        self._why = why
        self._running: set[str] = set()
        self._news = asyncio.Event()

    async def items(self) -> AsyncGenerator[LogLine | Gap, None]:
        """Lines until nothing will be written any more and everything was read."""
        async with Merger[LogLine | Gap](endless=True) as merger:
            for log in self._logs.values():
                self._read(merger, log)
            merger.add(self._watch(merger), awaited=False)
            hints = asyncio.create_task(self._pass_on())
            try:
                async with aclosing(merger.merged()) as items:
                    async for item in items:
                        yield item
            finally:
                hints.cancel()
                await asyncio.wait([hints])

    def _read(self, merger: Merger[LogLine | Gap], log: ContainerLog) -> None:
        self._running.add(log.instance.id)
        merger.add(self._until_over(log))

    async def _until_over(self, log: ContainerLog) -> Items:
        async with aclosing(log.follow()) as items:
            async for item in items:
                yield item
        self._running.discard(log.instance.id)
        self._news.set()

    async def _pass_on(self) -> None:
        async for _ in self._changes:
            self._news.set()

    async def _watch(self, merger: Merger[LogLine | Gap]) -> Items:
        """No lines: reads containers that came or were started again, until none will."""
        while not self.reason and not self._engine.closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._news.wait()
            self._news.clear()
            with contextlib.suppress(Unavailable):
                await self._look(merger)
        for item in _NOTHING:
            yield item

    async def _look(self, merger: Merger[LogLine | Gap]) -> None:
        found = await self._find()
        for instance in map(instance_from, found):
            known = self._logs.get(instance.id)
            if known is None:
                known = self._logs[instance.id] = _log(self._engine, instance, LogQuery())
                self._read(merger, known)
            elif instance.goes_on and instance.id not in self._running:
                self._read(merger, known)
        if not self._running:
            self.reason = self._why(found)


def _log(engine: Engine, instance: Instance, query: LogQuery) -> ContainerLog:
    life = 0 if query.previous else instance.life
    # a time in seconds is a little off: the exact comparison is made with what was read
    asked = int(query.since * SECOND) - _ROUNDING if query.since is not None else 0
    return ContainerLog(
        engine,
        instance,
        instance.labels.get(labels.REPLICA) or instance.name,
        since=max(life, asked),
        whole=query.since is None and query.tail is None and not query.previous,
    )


def _wanted(item: LogLine | Gap, query: LogQuery) -> bool:
    return isinstance(item, Gap) or query.since is None or item.time >= query.since
