"""Logs and events of a real engine, with the connection cut under the readers.

`PILOTHOUSE_FULL=1` writes the 16,000 lines that are promised; the default writes 3,000.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from backends.engines.addresses import resolve
from backends.engines.engine import Engine
from backends.targets.drivers.docker.events import hints
from backends.targets.drivers.docker.logs import Find, service_log
from backends.targets.records import Gap, LogLine, LogQuery, Stream, StreamEnd
from tests.support.containers import SOCKET, asked, container, needs_engine
from tests.support.cutting import Cutter, cutter
from tests.support.services import DEADLINE, eventually

pytestmark = needs_engine()

LINES = 16_000 if os.environ.get("PILOTHOUSE_FULL") else 3_000
CUTS = 20
NUMBERED = """
import sys, time
for number in range({count}):
    print("line", number)
    if number % 3 == 0: print("error", number, file=sys.stderr)
    if number % 40 == 0: time.sleep({pause})
"""
SERVER = """
import json, time
for seq in range(1, {count} + 1):
    print(json.dumps(dict(time=time.time(), seq=seq, boot="b", worker=1, stream="stdout",
                          level="INFO", rid="r", text="line %d" % seq, ms=1.5)))
    if seq % 200 == 0: time.sleep({pause})
"""
Items = list[LogLine | Gap | StreamEnd]


@pytest.fixture
async def road() -> AsyncGenerator[Cutter, None]:
    with TemporaryDirectory(prefix="ph-cut-") as folder:
        async with cutter(Path(folder), SOCKET) as found:
            yield found


@pytest.fixture
async def far(road: Cutter) -> AsyncGenerator[Engine, None]:
    """The engine behind the road that is cut."""
    async with Engine(resolve({"url": road.url})) as engine:
        yield engine


def finder(engine: Engine, ids: Sequence[str]) -> Find:
    async def find() -> list[Any]:
        return [await engine.call("look", lambda c, i=i: c.inspect_container(i)) for i in ids]  # type: ignore[misc]

    return find


def ended(found: Sequence[Any]) -> str:
    return "" if any(c["State"]["Status"] in {"running", "created"} for c in found) else "all ended"


async def items(
    engine: Engine, ids: Sequence[str], query: LogQuery, mark: str = "nothing"
) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
    changes = hints(engine, [f"mark={mark}"])
    found = service_log(engine, query, finder(engine, ids), changes, ended)
    async with asyncio.timeout(DEADLINE * 3), aclosing(found) as lines:
        async for line in lines:
            yield line


async def every(engine: Engine, ids: Sequence[str], query: LogQuery) -> Items:
    return [item async for item in items(engine, ids, query)]


def said(found: Items, replica: str, stream: Stream) -> list[str]:
    return [
        i.text
        for i in found
        if isinstance(i, LogLine) and (i.replica, i.stream) == (replica, stream)
    ]


async def over(identity: str) -> None:
    await asked(lambda c: c.wait(identity))


async def test_twenty_cuts_lose_no_line_and_repeat_none(road: Cutter, far: Engine) -> None:
    each = LINES // 2
    script = NUMBERED.format(count=each, pause=6.0 * 40 / each)
    async with AsyncExitStack() as stack:
        ids = [
            await stack.enter_async_context(container(script, labels={"pilothouse/replica": name}))
            for name in ("1", "2")
        ]
        reading = asyncio.create_task(every(far, ids, LogQuery(follow=True)))
        while road.cuts < CUTS and not reading.done():
            before = road.streamed
            await eventually(_flows(road, before + 1000, reading))
            road.cut()
        found = await reading
    print(f"{road.cuts} connections cut, {len(found) - 1} lines")
    assert road.cuts >= CUTS
    assert not any(isinstance(item, Gap) for item in found)
    for replica in ("1", "2"):
        assert said(found, replica, Stream.STDOUT) == [f"line {n}" for n in range(each)]
        assert said(found, replica, Stream.STDERR) == [f"error {n}" for n in range(0, each, 3)]
    assert found[-1] == StreamEnd("all ended")


def _flows(
    road: Cutter, wanted: int, reading: "asyncio.Task[Items]"
) -> Callable[[], Awaitable[bool]]:
    async def flows() -> bool:
        return road.streamed >= wanted or reading.done()

    return flows


async def test_lines_come_in_the_order_of_their_nanoseconds(engine: Engine) -> None:
    async with (
        container(NUMBERED.format(count=500, pause=0.02)) as one,
        container(NUMBERED.format(count=500, pause=0.03)) as two,
    ):
        await over(one)
        await over(two)
        found = await every(engine, [one, two], LogQuery())
    times = [item.time for item in found if isinstance(item, LogLine)]
    assert len(times) == 2 * (500 + 167)
    assert times == sorted(times)


async def test_a_tail_is_the_last_lines_however_long_they_are(engine: Engine) -> None:
    script = "for n in range(30): print(str(n) * (20000 if n % 2 else 1))"
    async with container(script) as one:
        await over(one)
        whole = await every(engine, [one], LogQuery())
        for count in (0, 1, 7, 29, 30, 200):
            assert await every(engine, [one], LogQuery(tail=count)) == whole[-1 - count :]
    assert [len(i.text) for i in whole if isinstance(i, LogLine)][-1] == 40000


async def test_a_followed_tail_goes_on_where_it_ended(engine: Engine) -> None:
    script = NUMBERED.format(count=400, pause=0.1)
    async with container(script) as one:
        found = await every(engine, [one], LogQuery(tail=5, follow=True))
    numbers = [int(text.split()[1]) for text in said(found, _name(found), Stream.STDOUT)]
    assert numbers == list(range(numbers[0], 400))
    assert not any(isinstance(item, Gap) for item in found)


def _name(found: Items) -> str:
    return next(item.replica for item in found if isinstance(item, LogLine))


async def test_since_begins_at_a_time(engine: Engine) -> None:
    async with container(NUMBERED.format(count=300, pause=0.05)) as one:
        await over(one)
        whole = [i for i in await every(engine, [one], LogQuery()) if isinstance(i, LogLine)]
        middle = whole[200].time
        newer = await every(engine, [one], LogQuery(since=middle))
    assert newer[:-1] == [line for line in whole if line.time >= middle]


async def test_a_life_before_keeps_its_lines_and_they_stay_out_of_the_newest(
    engine: Engine,
) -> None:
    script = "import time; print('life', time.time()); time.sleep(99)"

    async def one_line() -> bool:
        return len(await every(engine, [one], LogQuery())) > 1

    async with container(script) as one:
        await eventually(one_line)
        (first, _) = await every(engine, [one], LogQuery())
        none = StreamEnd("there is no earlier instance in the log")
        assert await every(engine, [one], LogQuery(previous=True)) == [none]
        await asked(lambda c: c.kill(one))
        await over(one)
        await asked(lambda c: c.start(one))
        await eventually(one_line)
        (second, _) = await every(engine, [one], LogQuery())
        assert (await every(engine, [one], LogQuery(previous=True)))[:-1] == [first]
    assert isinstance(second, LogLine)
    assert second != first


async def test_a_follower_goes_on_through_a_restart(engine: Engine) -> None:
    mark = secrets.token_hex(4)
    script = "import time\nfor n in range(50): print(n); time.sleep(0.01)\ntime.sleep(100)"
    async with container(script, labels={"mark": mark}) as one:
        seen: list[str] = []
        async with aclosing(items(engine, [one], LogQuery(follow=True), mark)) as lines:
            async for line in lines:
                assert isinstance(line, LogLine)
                seen.append(line.text)
                if seen == [str(n) for n in range(50)]:
                    await asked(lambda c: c.restart(one, timeout=0))
                if len(seen) == 100:
                    break
    assert seen == [str(n) for n in range(50)] * 2


async def test_a_terminals_lines_are_read_too(engine: Engine) -> None:
    script = "print('a\\rb'); print('x' * 40000); print('end')"
    async with container(script, terminal=True) as one:
        await over(one)
        found = await every(engine, [one], LogQuery())
    texts = [item.text for item in found if isinstance(item, LogLine)]
    assert texts == ["a\rb", "x" * 40000, "end"]


async def test_hostile_bytes_are_text_of_their_line(engine: Engine) -> None:
    script = (
        "import os\n"
        r"os.write(1, b'\x1b[2J\x00\xff\xfe\x85\x0b{\"seq\": \n')"
        "\n"
        r"os.write(2, '\u2028\u2029 {\"time\": 1e999, \"seq\": 1}\n'.encode())"
        "\n"
        r"os.write(1, b'{\"time\": 1, \"seq\": 1e400, \"boot\": \"b\", \"stream\": \"x\"}\n')"
        "\n"
        "os.write(1, b'[' * 100000 + b'\\n')\n"
        "os.write(1, b'no end')\n"
    )
    async with container(script) as one:
        await over(one)
        found = await every(engine, [one], LogQuery())
    texts = [item.text for item in found if isinstance(item, LogLine)]
    assert len(texts) == 5
    assert "\x1b[2J\0" in texts[0]
    assert "no end" in texts
    assert "[" * 100000 in texts


async def test_numbers_of_the_server_tell_how_many_lines_the_engine_lost(engine: Engine) -> None:
    rotated = {"max-size": "20k", "max-file": "2"}
    async with container(SERVER.format(count=2000, pause=0), log=rotated) as one:
        await over(one)
        found = await every(engine, [one], LogQuery())
    gap, *lines, _ = found
    assert isinstance(gap, Gap)
    assert gap.lost is not None
    numbers = [line.sequence for line in lines if isinstance(line, LogLine)]
    assert numbers == list(range(gap.lost + 1, 2001))
    assert gap.lost > 0


async def test_a_follower_asks_again_for_what_rotation_took_from_it(engine: Engine) -> None:
    rotated = {"max-size": "60k", "max-file": "20"}
    async with container(SERVER.format(count=6000, pause=0.1), log=rotated) as one:
        found = await every(engine, [one], LogQuery(follow=True))
    lines = [item for item in found if isinstance(item, LogLine)]
    assert [item for item in found if isinstance(item, Gap)] == []
    assert [line.sequence for line in lines] == list(range(1, 6001))
    assert {(line.request_id, line.duration_ms) for line in lines} == {("r", 1.5)}


async def test_events_hint_at_every_change_and_after_every_cut(road: Cutter, far: Engine) -> None:
    mark = secrets.token_hex(4)
    counts: dict[str, int] = {"hints": 0}

    async def count() -> None:
        async for _ in hints(far, [f"mark={mark}"]):
            counts["hints"] += 1

    def more(than: int) -> Callable[[], Awaitable[bool]]:
        async def more() -> bool:
            return counts["hints"] > than

        return more

    counting = asyncio.create_task(count())
    try:
        await eventually(more(0))
        async with container(
            "import time; time.sleep(99)", labels={"mark": mark}, started=False
        ) as one:
            for work in (
                lambda c: c.start(one),
                lambda c: c.pause(one),
                lambda c: c.unpause(one),
                lambda c: c.kill(one),
            ):
                before = counts["hints"]
                await asked(work)
                await eventually(more(before))
                before = counts["hints"]
                road.cut()
                await eventually(more(before))
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
