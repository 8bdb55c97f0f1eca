from collections.abc import Iterator

import pytest

from backends.targets.records import Gap, LogLine, Stream, StreamEnd
from console.app.widgets import log_paint
from console.app.widgets.log_spool import LogItem, LogSpool
from tests.support.loglines import line


@pytest.fixture
def spool() -> Iterator[LogSpool]:
    opened = LogSpool(log_paint.width)
    yield opened
    opened.close()


def test_items_come_back_as_they_were_given(spool: LogSpool) -> None:
    given: list[LogItem] = [
        line(1, text="first", rid="7f3a", ms=0.8, level="WARNING", replica="b"),
        Gap("connection lost", 3),
        Gap("unknown", None),
        line(2, text="two\nlines 日本", stream=Stream.STDERR),
        StreamEnd("deleted"),
    ]
    spool.append(given)
    assert [spool.read(number) for number in range(5)] == given
    assert [item for _number, item in spool.scan(0, 5)] == given


def test_escapes_are_gone_from_every_field(spool: LogSpool) -> None:
    bad = "\x1b[31mx\x1b]0;t\x07"
    spool.append([line(1, text=bad, rid=bad, replica=bad, level=bad), Gap(bad, 1)])
    kept = spool.read(0)
    assert isinstance(kept, LogLine)
    assert (kept.text, kept.request_id, kept.replica, kept.level) == ("x", "x", "x", "x")
    assert spool.read(1) == Gap("x", 1)


def test_ranks_times_and_widths_need_no_reading(spool: LogSpool) -> None:
    spool.append([line(1, text="abc", level="ERROR"), line(2, text="日本"), Gap("gap", None)])
    assert [spool.rank(number) for number in range(3)] == [4, 2, 0]
    assert [spool.width(number) for number in range(3)] == [3, 4, 0]
    assert [spool.ascii(number) for number in range(3)] == [True, False, False]
    assert spool.time(2) == spool.time(1)


def test_the_first_item_at_a_moment_is_found(spool: LogSpool) -> None:
    spool.append([line(number) for number in range(100)])
    assert spool.at(spool.time(37)) == 37
    assert spool.at(0.0) == 0
    assert spool.at(spool.time(99) + 1) == spool.end


def test_the_older_half_goes_when_the_limit_is_reached_and_numbers_stay() -> None:
    spool = LogSpool(log_paint.width, limit=20_000)
    for start in range(0, 2_000, 50):
        spool.append([line(number) for number in range(start, start + 50)])
    assert spool.end == 2_000
    assert 0 < spool.first < 2_000
    for number in (spool.first, 1_999):
        kept = spool.read(number)
        assert isinstance(kept, LogLine)
        assert kept.sequence == number
    assert spool.at(0.0) == spool.first
    assert [number for number, _item in spool.scan(0, 5_000)] == list(range(spool.first, 2_000))
    spool.close()


def test_clearing_begins_again_at_zero(spool: LogSpool) -> None:
    spool.append([line(1)])
    spool.clear()
    assert (spool.first, spool.end) == (0, 0)
    spool.append([line(9)])
    assert spool.end == 1
