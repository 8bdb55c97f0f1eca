"""Reading on exactly: cursor, numbers, merging and pauses, without any target."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.targets.backoff import Backoff
from backends.targets.cursor import OVERLAP, Cursor
from backends.targets.merging import Merger, Stamped
from backends.targets.numbering import Numbering
from backends.targets.records import Gap, LogLine, Stream

SECOND = 1_000_000_000
Line = tuple[int, str]


def reads(lines: Sequence[Line], cursor: Cursor, until: int) -> list[Line]:
    """What one answer gives that is cut after so many lines."""
    since = cursor.reopen()
    offered = [line for line in lines if line[0] >= since]
    return [line for line in offered[:until] if cursor.admits(*line)]


@given(
    st.lists(st.tuples(st.integers(0, 300_000_000), st.sampled_from("ab")), max_size=80),
    st.integers(),
)
def test_cuts_anywhere_lose_nothing_and_repeat_nothing(
    steps: list[tuple[int, str]], seed: int
) -> None:
    rng, now, lines = random.Random(seed), 1_700_000_000 * SECOND, list[Line]()
    for step, text in steps:
        now += step
        lines.append((now - rng.randint(0, 5_000_000), text))
    cursor, found = Cursor(), list[Line]()
    for _ in range(400):
        found += reads(lines, cursor, rng.randint(1, 120))
        if len(found) >= len(lines):
            break
    assert found == lines
    assert reads(lines, cursor, 1000) == []
    assert not cursor.lost


def test_a_last_line_that_is_gone_means_that_lines_may_be_missing() -> None:
    cursor = Cursor()
    lines = [(number * SECOND, str(number)) for number in range(1, 20)]
    assert reads(lines[:5], cursor, 5) == lines[:5]
    cursor.reopen()
    assert cursor.admits(*lines[10])
    assert cursor.lost
    assert cursor.admits(*lines[11])
    assert not cursor.lost


def test_it_begins_where_it_is_told_to() -> None:
    assert Cursor(7 * SECOND).reopen() == 7 * SECOND
    cursor = Cursor(7 * SECOND)
    assert cursor.admits(20 * SECOND, "x")
    assert cursor.reopen() == 20 * SECOND - OVERLAP


def numbered(sequence: int, boot: str = "b") -> LogLine:
    return LogLine(
        time=0.0,
        sequence=sequence,
        boot=boot,
        replica="1",
        stream=Stream.STDOUT,
        level="INFO",
        text=str(sequence),
    )


def test_numbers_tell_what_is_repeated_and_how_much_is_missing() -> None:
    numbers = Numbering()
    assert numbers.take(numbered(5)) is None
    assert numbers.repeated(numbered(5))
    assert numbers.repeated(numbered(3))
    assert not numbers.repeated(numbered(1, "c"))
    assert numbers.missing(numbered(9)) == 3
    assert numbers.take(numbered(9)) == Gap("lines are missing here", 3)
    assert numbers.take(numbered(10), lost=True) is None


def test_the_first_line_of_all_should_have_the_first_number() -> None:
    assert Numbering(whole=True).take(numbered(4)) == Gap("older lines are no longer kept", 3)
    assert Numbering().take(numbered(4)) is None


def test_lines_without_a_number_are_only_perhaps_missing() -> None:
    gap = Numbering().take(numbered(0, ""), lost=True)
    assert gap is not None
    assert gap.lost is None


async def source(
    stamps: Sequence[int], lane: str = "x", *, forever: bool = False
) -> AsyncGenerator[Stamped[tuple[str, int]], None]:
    for stamp in stamps:
        yield Stamped(stamp, lane, (lane, stamp))
    if forever:
        await asyncio.Event().wait()


@given(st.lists(st.lists(st.integers(0, 10**12)).map(sorted), max_size=4))
async def test_logs_that_end_are_merged_by_time(stamps: list[list[int]]) -> None:
    async with Merger[tuple[str, int]](endless=False) as merger:
        for number, each in enumerate(stamps):
            merger.add(source(each, str(number)))
        found = [item async for item in merger.merged()]
    assert [stamp for _, stamp in found] == sorted(stamp for each in stamps for stamp in each)


async def test_a_lane_keeps_its_order_whatever_its_stamps_say() -> None:
    async with Merger[tuple[str, int]](endless=False) as merger:
        merger.add(source([5, 3, 9, 1]))
        assert [stamp async for _, stamp in merger.merged()] == [5, 3, 9, 1]


async def test_a_silent_source_holds_the_others_up_for_a_moment_only() -> None:
    async with Merger[tuple[str, int]](endless=True) as merger:
        merger.add(source([], "silent", forever=True))
        merger.add(source(list(range(5000)), "busy", forever=True))
        found: list[int] = []
        async with asyncio.timeout(20):
            async for _, stamp in merger.merged():
                found.append(stamp)
                if len(found) == 5000:
                    break
    assert found == list(range(5000))


async def test_what_a_source_raises_is_raised() -> None:
    async def broken() -> AsyncGenerator[Stamped[int], None]:
        yield Stamped(1, "x", 1)
        raise ValueError("it broke")

    async with Merger[int](endless=False) as merger:
        merger.add(broken())
        with pytest.raises(ValueError, match="it broke"):
            _ = [item async for item in merger.merged()]


def test_pauses_grow_to_a_limit_and_begin_anew_after_a_good_while() -> None:
    backoff = Backoff(first=1.0, most=4.0, good=0.0)
    pauses = [backoff.pause() for _ in range(50)]
    assert pauses[0] <= 1.0
    assert max(pauses) <= 4.0
    assert len(set(pauses)) > 40
    backoff.began()
    assert backoff.pause() <= 1.0
