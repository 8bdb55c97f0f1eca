"""Log lines for tests, and logs that end or go on."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from backends.targets.records import LogLine, LogQuery, Stream
from console.app.widgets.log_feed import Source
from console.app.widgets.log_spool import LogItem

BEGAN = 1_700_000_000.0
"""2023-11-14 22:13:20 UTC: the time of line 0."""


def line(
    sequence: int,
    *,
    text: str = "",
    level: str = "INFO",
    rid: str = "",
    ms: float | None = None,
    replica: str = "a",
    stream: Stream = Stream.STDOUT,
) -> LogLine:
    """A line, a second after the one before."""
    return LogLine(
        time=BEGAN + sequence,
        sequence=sequence,
        boot="boot1",
        replica=replica,
        stream=stream,
        level=level,
        text=text or f"line {sequence}",
        request_id=rid,
        duration_ms=ms,
    )


class Tap:
    """A log that is written to by the test; what is asked of it is kept."""

    def __init__(self, items: Sequence[LogItem] = ()) -> None:
        self.queries: list[LogQuery] = []
        self.first = items
        self._queue: asyncio.Queue[LogItem] = asyncio.Queue()

    def write(self, *items: LogItem) -> None:
        """Let items come."""
        for item in items:
            self._queue.put_nowait(item)

    async def __call__(self, query: LogQuery) -> AsyncGenerator[LogItem, None]:
        """Read it."""
        self.queries.append(query)
        for item in self.first:
            yield item
        while True:
            yield await self._queue.get()


def ended(items: Sequence[LogItem]) -> Source:
    """A log that ends after these."""

    async def read(_query: LogQuery) -> AsyncGenerator[LogItem, None]:
        for item in items:
            yield item

    return read
