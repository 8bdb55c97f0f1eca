"""Logs on disk: every line once and in order, whatever rotation does."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from backends.targets.logfile import LogReader
from backends.targets.records import Gap, LogLine, LogQuery, Stream, StreamEnd
from backends.targets.streams import log_lines, newest_boot, parse_line

Item = LogLine | Gap | StreamEnd


class Writer:
    """Writes as the scoring server does, and rotates when told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.boot = "a"
        self.sequence = 0

    def line(self, text: str = "", **fields: object) -> None:
        self.sequence += 1
        record = {
            "time": float(self.sequence),
            "seq": self.sequence,
            "boot": self.boot,
            "worker": 1,
            "stream": "stdout",
            "level": "INFO",
            "rid": "",
            "text": text or str(self.sequence),
            **fields,
        }
        self.raw(json.dumps(record).encode() + b"\n")

    def lines(self, count: int) -> None:
        for _ in range(count):
            self.line()

    def raw(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)

    def rotate(self) -> None:
        self.path.replace(f"{self.path}.1")
        self.path.touch()

    def restart(self, boot: str) -> None:
        self.boot, self.sequence = boot, 0


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return Writer(tmp_path / "service.log")


def never() -> str:
    return ""


async def read(writer: Writer, *, before: str = "", **query: object) -> list[Item]:
    asked = LogQuery(**query)  # type: ignore[arg-type]  # the caller names LogQuery's own fields
    return [item async for item in log_lines(writer.path, asked, never, before=before)]


def sequences(items: list[Item]) -> list[int]:
    return [item.sequence for item in items if isinstance(item, LogLine)]


async def test_every_query_on_a_log_that_is_not_there_is_empty(writer: Writer) -> None:
    assert await read(writer) == [StreamEnd("the end of the log")]
    assert await read(writer, tail=5) == [StreamEnd("the end of the log")]
    assert await read(writer, previous=True) == [
        StreamEnd("there is no earlier instance in the log")
    ]


async def test_the_whole_log_spans_the_rotated_file(writer: Writer) -> None:
    writer.lines(3)
    writer.rotate()
    writer.lines(3)
    assert sequences(await read(writer)) == [1, 2, 3, 4, 5, 6]
    assert sequences(await read(writer, tail=4)) == [3, 4, 5, 6]
    assert sequences(await read(writer, since=5.0)) == [5, 6]
    assert sequences(await read(writer, since=5.0, tail=1)) == [6]


async def test_lines_that_are_no_longer_kept_are_told(writer: Writer) -> None:
    writer.lines(3)
    writer.rotate()
    writer.lines(3)
    writer.rotate()
    writer.lines(1)
    first, *rest = await read(writer)
    assert first == Gap("older lines are no longer kept", 3)
    assert sequences(rest) == [4, 5, 6, 7]


async def test_a_jump_of_the_sequence_is_a_gap_with_its_size(writer: Writer) -> None:
    writer.lines(2)
    writer.sequence += 7
    writer.lines(1)
    assert [i for i in await read(writer) if isinstance(i, Gap)] == [
        Gap("lines are missing here", 7)
    ]


async def test_only_the_newest_process_life_is_meant(writer: Writer) -> None:
    writer.lines(4)
    writer.restart("b")
    writer.rotate()
    writer.lines(2)
    assert [i.boot for i in await read(writer) if isinstance(i, LogLine)] == ["b", "b"]
    assert sequences(await read(writer, tail=9)) == [1, 2]
    earlier = await read(writer, previous=True)
    assert [i.boot for i in earlier if isinstance(i, LogLine)] == ["a"] * 4
    assert sequences(await read(writer, previous=True, tail=2)) == [3, 4]


async def test_a_life_that_wrote_nothing_yet_shows_nothing_of_the_one_before(
    writer: Writer,
) -> None:
    writer.lines(3)
    assert newest_boot(writer.path) == "a"
    assert sequences(await read(writer, before="a")) == []
    assert sequences(await read(writer, before="a", tail=2)) == []
    assert sequences(await read(writer, before="a", previous=True)) == [1, 2, 3]


async def test_separators_inside_a_line_do_not_end_it(writer: Writer) -> None:
    text = "one\rtwo\x0bthree\x85four\u2028five"
    writer.raw(
        b'{"time":1,"seq":1,"boot":"a","worker":1,"stream":"stdout","level":"INFO","rid":"",'
        b'"text":' + json.dumps(text, ensure_ascii=False).encode() + b"}\n"
    )
    (line, _) = await read(writer)
    assert isinstance(line, LogLine)
    assert line.text == text


@pytest.mark.parametrize(
    "raw", [b"\x00\xff\xfe", b"[1]", b"{}", b'{"time":"x"}', b"null", b"[" * 100_000]
)
async def test_a_line_that_is_none_of_ours_is_shown_as_it_is(writer: Writer, raw: bytes) -> None:
    writer.lines(1)
    writer.raw(raw + b"\n")
    writer.lines(1)
    for tail in (None, 3):
        first, foreign, last, _ = await read(writer, tail=tail)
        assert sequences([first, last]) == [1, 2]
        assert isinstance(foreign, LogLine)
        assert foreign.text == raw.decode(errors="replace")
        assert foreign.boot == "a"


async def test_a_line_that_is_being_written_is_left_until_it_ends(writer: Writer) -> None:
    writer.lines(1)
    writer.raw(b'{"time": 3')
    assert sequences(await read(writer)) == [1]
    assert sequences(await read(writer, tail=5)) == [1]


@contextlib.asynccontextmanager
async def follower(
    writer: Writer, ended: Callable[[], str] = never, **query: object
) -> AsyncGenerator[AsyncGenerator[Item, None], None]:
    asked = LogQuery(follow=True, **query)  # type: ignore[arg-type]  # LogQuery's own fields
    async with (
        asyncio.timeout(30),
        contextlib.aclosing(log_lines(writer.path, asked, ended)) as items,
    ):
        yield items


async def test_a_follower_loses_nothing_when_the_file_is_rotated_under_it(writer: Writer) -> None:
    dice = random.Random(7)
    writer.lines(10)
    async with follower(writer, tail=2) as items:
        seen: list[Item] = [await anext(items)]
        for _ in range(200):
            writer.lines(dice.randrange(4))
            if dice.random() < 0.5:
                writer.rotate()
                writer.lines(dice.randrange(4))
            while sequences(seen)[-1] < writer.sequence:
                seen.append(await anext(items))
    assert sequences(seen) == list(range(9, writer.sequence + 1))
    assert not any(isinstance(item, Gap) for item in seen)


async def test_a_follower_that_was_too_slow_tells_how_much_it_lost(writer: Writer) -> None:
    writer.lines(1)
    async with follower(writer) as items:
        first = await anext(items)
        writer.lines(2)
        for _ in range(3):
            writer.rotate()
            writer.lines(2)
        rest = [await anext(items) for _ in range(7)]
    assert sequences([first]) == [1]
    assert sequences(rest) == [2, 3, 6, 7, 8, 9]
    assert [i for i in rest if isinstance(i, Gap)] == [Gap("lines are missing here", 2)]


async def test_a_follower_goes_on_with_the_next_life_and_ends_with_the_reason(
    writer: Writer,
) -> None:
    writer.lines(2)
    reasons: list[str] = [""]
    async with follower(writer, lambda: reasons[-1]) as items:
        seen = [await anext(items), await anext(items)]
        writer.restart("b")
        writer.lines(2)
        reasons.append("the service was stopped")
        seen += [item async for item in items]
    assert [i.boot for i in seen if isinstance(i, LogLine)] == ["a", "a", "b", "b"]
    assert seen[-1] == StreamEnd("the service was stopped")


def test_the_tail_of_a_large_log_is_read_from_its_end(writer: Writer) -> None:
    count = 40_000
    writer.raw(b"".join(b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * 100) for n in range(count)))
    with LogReader(writer.path) as reader:
        newest = reader.newest_first()
        assert [json.loads(next(newest))["n"] for _ in range(5)] == list(
            range(count - 1, count - 6, -1)
        )
        writer.raw(b"more\n")
        assert reader.read() == [b"more"]


def test_both_directions_give_the_same_lines(writer: Writer) -> None:
    dice = random.Random(3)
    lengths = [dice.randrange(1, 400_000) for _ in range(12)]
    texts = [b"%d" % number * length for number, length in enumerate(lengths)]
    for place, text in enumerate(texts):
        writer.raw(text + b"\n")
        if place == 5:
            writer.rotate()
    with LogReader(writer.path) as reader:
        assert list(reader.newest_first())[::-1] == texts
        reader.rewind()
        forwards: list[bytes] = []
        while lines := reader.read():
            forwards += lines
    assert forwards == texts


def test_an_access_line_carries_its_time_and_request() -> None:
    raw = (
        b'{"time":2.5,"seq":4,"boot":"b","worker":0,"stream":"server","level":"INFO",'
        b'"rid":"r-1","ms":1.25,"text":"POST /score 200 12"}'
    )
    line = parse_line(raw, None)
    assert (line.request_id, line.duration_ms, line.stream) == ("r-1", 1.25, Stream.SERVER)
    assert (line.time, line.sequence, line.boot, line.replica) == (2.5, 4, "b", "0")
