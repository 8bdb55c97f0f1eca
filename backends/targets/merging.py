"""Lines of several outputs and replicas as one, in order of time.

A line is given on when nothing earlier can come any more. While a log goes on, a silent source
is not waited for longer than `PATIENCE`; a log that ends is merged exactly.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import AsyncGenerator, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

SLACK = 5_000_000
"""Nanoseconds by which the stamps of two outputs of one source may be out of order."""
PATIENCE = 0.05
"""Seconds that a line waits for an earlier one, while the log goes on."""
MOST = 2000
"""Lines of one source that wait; it is not read further meanwhile."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Stamped(Generic[_Item]):
    """Something with its place in time."""

    stamp: int
    """Nanoseconds since the epoch."""
    lane: Hashable
    """Within a lane of a source the order is kept, whatever the stamps say."""
    item: _Item


@dataclass(slots=True)
class _Source(Generic[_Item]):
    """What was read of one source and not given on."""

    waiting: list[tuple[int, int, float, _Item]] = field(default_factory=list)
    lanes: dict[Hashable, int] = field(default_factory=dict)
    newest: int = 0
    ended: bool = False
    awaited: bool = True

    def ripe(self, oldest_arrival: float) -> bool:
        """Nothing that comes before the first one can follow."""
        if not self.waiting:
            return False
        order, _, arrived, _ = self.waiting[0]
        late = self.newest - order >= SLACK or arrived <= oldest_arrival
        return late or self.ended or len(self.waiting) >= MOST

    def silent(self) -> bool:
        """Nothing that is here, and nothing that is worth waiting for."""
        return not self.waiting and (self.ended or not self.awaited)


class Merger(Generic[_Item]):
    """Merges sources, which may be added while it runs; an async context manager.

    Args:
        endless: The sources go on for ever: do not wait long for a silent one.
    """

    def __init__(self, *, endless: bool) -> None:
        self._endless = endless
        self._sources: list[_Source[_Item]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._count = itertools.count()

    async def __aenter__(self) -> "Merger[_Item]":
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def add(self, items: AsyncGenerator[Stamped[_Item], None], *, awaited: bool = True) -> None:
        """Read this source, too; nothing waits for one that is not `awaited`."""
        source: _Source[_Item] = _Source(awaited=awaited)
        self._sources.append(source)
        self._tasks.add(asyncio.create_task(self._pump(items, source)))

    async def merged(self) -> AsyncGenerator[_Item, None]:
        """Everything of all sources; ends with the last of them.

        Raises whatever a source raised.
        """
        while self._sources:
            self._news.clear()
            batch = list(self._ready())
            for item in batch:
                yield item
            self._room.set()
            self._sources = [s for s in self._sources if s.waiting or not s.ended]
            self._raise_failures()
            if not batch and self._sources:
                await self._wait()

    def _ready(self) -> "list[_Item]":
        """What can be given on now, in order."""
        ready: list[_Item] = []
        patience = time.monotonic() - PATIENCE if self._endless else float("-inf")
        while len(ready) < MOST and (first := self._first(patience)) is not None:
            ready.append(heapq.heappop(first.waiting)[3])
        return ready

    def _first(self, patience: float) -> "_Source[_Item] | None":
        first: _Source[_Item] | None = None
        complete = True
        for source in self._sources:
            complete = complete and (source.silent() or source.ripe(patience))
            if source.waiting and (first is None or source.waiting[0] < first.waiting[0]):
                first = source
        if first is None or complete or first.waiting[0][2] <= patience:
            return first
        return None

    async def _wait(self) -> None:
        """Until something comes, or what waits has waited long enough."""
        arrivals = [source.waiting[0][2] for source in self._sources if source.waiting]
        limit = None
        if self._endless and arrivals:
            limit = max(0.0, min(arrivals) + PATIENCE - time.monotonic())
        try:
            async with asyncio.timeout(limit):
                await self._news.wait()
        except TimeoutError:
            return

    async def _pump(
        self, items: AsyncGenerator[Stamped[_Item], None], source: _Source[_Item]
    ) -> None:
        try:
            async for found in items:
                order = max(found.stamp, source.lanes.get(found.lane, 0))
                source.lanes[found.lane] = order
                source.newest = max(source.newest, order)
                entry = (order, next(self._count), time.monotonic(), found.item)
                heapq.heappush(source.waiting, entry)
                self._news.set()
                while len(source.waiting) >= MOST:
                    self._room.clear()
                    await self._room.wait()
        finally:
            source.ended = True
            self._news.set()
            await items.aclose()

    def _raise_failures(self) -> None:
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
