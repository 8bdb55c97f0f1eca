"""A log's stream on its way to the view: in batches, and taken up again after a cut."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from backends.errors import PilothouseError, Unavailable
from backends.targets.records import Gap, LogLine, LogQuery, StreamEnd
from console.app.widgets.log_spool import LogItem

Item = TypeVar("Item")
Source = Callable[[LogQuery], AsyncGenerator[LogItem, None]]
"""Opens a log; what it yields ends with a `StreamEnd`."""

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each new try; the last one holds from then on."""
MOST_WAITING = 10_000
"""Items read ahead of the view; the source waits then."""


def flush_seconds(environment: Mapping[str, str]) -> float:
    """How long lines are gathered before they are drawn: longer over SSH."""
    return 0.2 if "SSH_CONNECTION" in environment else 0.05


async def batched(
    stream: AsyncGenerator[Item, None], seconds: float
) -> AsyncGenerator[list[Item], None]:
    """What came within `seconds` of a first item, together; nothing is lost, nothing waits longer.

    Raises:
        PilothouseError: what the stream raised, after everything before it.
    """
    queue: asyncio.Queue[Item | None] = asyncio.Queue(MOST_WAITING)

    async def read() -> None:
        try:
            async for item in stream:
                await queue.put(item)
        finally:
            await queue.put(None)

    reader = asyncio.create_task(read())
    try:
        ended = False
        while not ended:
            batch = [await queue.get()]
            if batch[0] is not None:
                await asyncio.sleep(seconds)
            while not queue.empty():
                batch.append(queue.get_nowait())
            ended = batch[-1] is None
            if items := [item for item in batch if item is not None]:
                yield items
        await reader
    finally:
        reader.cancel()
        while not queue.empty():
            queue.get_nowait()  # so that the reader's last word finds room
        await asyncio.gather(reader, return_exceptions=True)
        await stream.aclose()


async def resumed(source: Source, query: LogQuery) -> AsyncGenerator[LogItem, None]:
    """The items of `source`; a cut leaves a gap, and reading goes on after the last line seen.

    An error that trying again can't heal is the stream's end.
    """
    seen: dict[tuple[str, str], int] = {}
    failures = 0
    while True:
        try:
            async for item in source(query):
                if isinstance(item, LogLine):
                    life = (item.replica, item.boot)
                    if seen.get(life, -1) >= item.sequence:
                        continue
                    seen[life] = item.sequence
                    query = replace(query, since=item.time, tail=None)
                failures = 0
                yield item
        except Unavailable as error:
            if not query.follow:
                yield StreamEnd(error.what)
                return
            if not failures:
                yield Gap(f"{error.what} Trying again", None)
            await asyncio.sleep(WAITS[min(failures, len(WAITS) - 1)])
            failures += 1
        except PilothouseError as error:
            yield StreamEnd(error.what)
            return
        else:
            return
