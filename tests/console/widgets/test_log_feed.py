import asyncio
from collections.abc import AsyncGenerator

import pytest

from backends.errors import NotFound, Unavailable
from backends.targets.records import Gap, LogLine, LogQuery, StreamEnd
from console.app.widgets import log_feed
from console.app.widgets.log_feed import batched, flush_seconds, resumed
from console.app.widgets.log_spool import LogItem
from tests.support.loglines import BEGAN, Tap, ended, line


async def numbers(count: int) -> AsyncGenerator[int, None]:
    for number in range(count):
        yield number


async def test_everything_comes_in_order_in_few_batches() -> None:
    batches = [batch async for batch in batched(numbers(25_000), 0.0)]
    assert [number for batch in batches for number in batch] == list(range(25_000))
    assert len(batches) < 50


async def test_an_error_comes_after_what_was_read_before_it() -> None:
    async def broken() -> AsyncGenerator[int, None]:
        yield 1
        raise NotFound("gone")

    seen = []
    with pytest.raises(NotFound):
        async for batch in batched(broken(), 0.0):
            seen += batch
    assert seen == [1]


async def test_leaving_closes_the_source() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[int, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    stream = batched(endless(), 0.0)
    await anext(stream)
    await stream.aclose()
    assert closed.is_set()


async def test_a_cut_leaves_a_gap_and_reading_goes_on_after_the_last_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_feed, "WAITS", (0.0,))
    queries: list[LogQuery] = []

    async def source(query: LogQuery) -> AsyncGenerator[LogItem, None]:
        queries.append(query)
        if len(queries) == 1:
            yield line(1)
            yield line(2)
            raise Unavailable("edge-gw does not answer.")
        if len(queries) == 2:
            raise Unavailable("edge-gw does not answer.")
        yield line(2)
        yield line(3)
        yield StreamEnd("deleted")

    items = [item async for item in resumed(source, LogQuery(follow=True, tail=10))]
    assert [i.sequence for i in items if isinstance(i, LogLine)] == [1, 2, 3]
    assert [type(i) for i in items] == [LogLine, LogLine, Gap, LogLine, StreamEnd]
    assert queries[1] == LogQuery(follow=True, since=BEGAN + 2)


async def test_an_error_that_does_not_heal_ends_the_log() -> None:
    async def source(_query: LogQuery) -> AsyncGenerator[LogItem, None]:
        yield line(1)
        raise NotFound("There is no such service.")

    items = [item async for item in resumed(source, LogQuery(follow=True))]
    assert items == [line(1), StreamEnd("There is no such service.")]


async def test_a_log_that_is_not_followed_ends_where_it_ends() -> None:
    items = [item async for item in resumed(ended([line(1)]), LogQuery())]
    assert items == [line(1)]
    assert Tap().queries == []


def test_lines_are_gathered_longer_over_ssh() -> None:
    assert flush_seconds({"SSH_CONNECTION": "a b c d"}) > flush_seconds({})
