"""Log lines kept on disk: what stays in memory is a few numbers a line."""

import os
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from msgspec.structs import replace

from backends.targets.records import Gap, LogLine, Stream, StreamEnd
from console.printable import printable

LogItem = LogLine | Gap | StreamEnd

Measure = Callable[[LogLine], int]
"""Cells that a line takes when it is drawn on one row."""

LEVELS = {"DEBUG": 1, "INFO": 2, "WARNING": 3, "ERROR": 4, "CRITICAL": 5}
MARKER, INFO, WARNING, ERROR = 0, 2, 3, 4
"""Ranks of levels; a gap or an end is a marker."""

CHUNK = 1 << 20
_FIELD = "\x1f"  # can't be in a text that `printable` made


class LogSpool:
    """Items of a log, cleaned as they come in, each with a number that counts up from 0.

    When the file has grown to `limit` bytes its older half is let go: `first` is the number of
    the oldest item that is left.

    Args:
        measure: Its result is kept beside each line.
        limit: Bytes on disk.
    """

    def __init__(self, measure: Measure, limit: int = 64 * 1024 * 1024) -> None:
        self._measure = measure
        self._half = limit // 2
        self._segments = [_Segment(0, measure)]

    @property
    def first(self) -> int:
        """Number of the oldest item."""
        return self._segments[0].first

    @property
    def end(self) -> int:
        """Number that the next item will get."""
        return self._segments[-1].end

    def append(self, items: Sequence[LogItem]) -> None:
        """Take in a batch with one write."""
        if self._segments[-1].size > self._half:
            self._segments.append(_Segment(self.end, self._measure))
            for old in self._segments[:-2]:
                old.close()
            del self._segments[:-2]
        self._segments[-1].append([clean(item) for item in items])

    def clear(self) -> None:
        """Let go of everything; numbers begin again at 0."""
        self.close()
        self._segments = [_Segment(0, self._measure)]

    def close(self) -> None:
        """Give the disk space back."""
        for segment in self._segments:
            segment.close()

    def read(self, number: int) -> LogItem:
        """One item, cleaned."""
        return next(self._of(number).scan(number, number + 1))[1]

    def scan(self, start: int, end: int) -> Iterator[tuple[int, LogItem]]:
        """The items of numbers `start` to `end`, as far as they are there."""
        for segment in list(self._segments):
            yield from segment.scan(max(start, segment.first), min(end, segment.end))

    def rank(self, number: int) -> int:
        """Rank of the item's level, without reading it; 0 is a marker."""
        segment = self._of(number)
        return segment.ranks[number - segment.first]

    def time(self, number: int) -> float:
        """The item's time, without reading it; a marker has that of the line before."""
        segment = self._of(number)
        return segment.times[number - segment.first]

    def width(self, number: int) -> int:
        """Cells that the item takes on one row, without reading it; 0 for a marker."""
        segment = self._of(number)
        return segment.widths[number - segment.first]

    def ascii(self, number: int) -> bool:
        """Whether every character is one cell wide for sure, without reading it."""
        segment = self._of(number)
        return bool(segment.ascii[number - segment.first])

    def at(self, moment: float) -> int:
        """Number of the first item at or after `moment`; `end` when all are older."""
        for segment in self._segments:
            place = bisect_left(segment.times, moment)
            if place < len(segment.times):
                return segment.first + place
        return self.end

    def _of(self, number: int) -> "_Segment":
        last = self._segments[-1]
        return last if number >= last.first else self._segments[0]


class _Segment:
    """One file and the numbers about its items."""

    def __init__(self, first: int, measure: Measure) -> None:
        self.first = first
        self.size = 0
        self.ranks = array("B")
        self.times = array("d")
        self.widths = array("I")
        self.ascii = array("B")
        self._measure = measure
        self._ends = array("Q")
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  lives as long as we

    @property
    def end(self) -> int:
        return self.first + len(self._ends)

    def append(self, items: Sequence[LogItem]) -> None:
        records = [_encode(item) for item in items]
        _write_all(self._file.fileno(), b"".join(records))
        for item, record in zip(items, records, strict=True):
            self.size += len(record)
            self._ends.append(self.size)
            self._note(item)

    def scan(self, start: int, end: int) -> Iterator[tuple[int, LogItem]]:
        while start < end:
            stop = self._chunk_end(start, end)
            offset = self._start(start)
            data = os.pread(self._file.fileno(), self._start(stop) - offset, offset)
            for number in range(start, stop):
                record = data[self._start(number) - offset : self._start(number + 1) - offset]
                yield number, _decode(record)
            start = stop

    def close(self) -> None:
        self._file.close()

    def _note(self, item: LogItem) -> None:
        if isinstance(item, LogLine):
            self.ranks.append(LEVELS.get(item.level, INFO))
            self.times.append(item.time)
            self.widths.append(self._measure(item))
            self.ascii.append(item.text.isascii())
        else:
            self.ranks.append(MARKER)
            self.times.append(self.times[-1] if self.times else 0.0)
            self.widths.append(0)
            self.ascii.append(0)

    def _start(self, number: int) -> int:
        place = number - self.first
        return self._ends[place - 1] if place else 0

    def _chunk_end(self, start: int, end: int) -> int:
        place = bisect_left(self._ends, self._start(start) + CHUNK, start - self.first)
        return min(max(self.first + place, start + 1), end)


def clean(item: LogItem) -> LogItem:
    """The item with nothing in it that a terminal would act upon."""
    if isinstance(item, LogLine):
        if f"{item.text}{item.level}{item.replica}{item.request_id}{item.boot}".isprintable():
            return item
        return replace(
            item,
            text=printable(item.text).rstrip("\n"),
            level=_word(item.level),
            replica=_word(item.replica),
            request_id=_word(item.request_id),
            boot=_word(item.boot),
        )
    return replace(item, reason=_word(item.reason))


def _word(text: str) -> str:
    return text if text.isprintable() else printable(text).replace("\n", " ")


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _encode(item: LogItem) -> bytes:
    return _FIELD.join(_fields(item)).encode("utf-8", "replace")


def _fields(item: LogItem) -> tuple[str, ...]:
    match item:
        case Gap(reason, lost):
            return ("G", "" if lost is None else str(lost), reason)
        case StreamEnd(reason):
            return ("E", reason)
    spent = "" if item.duration_ms is None else repr(item.duration_ms)
    return (
        *("L", repr(item.time), str(item.sequence), item.boot, item.replica),
        *(item.stream.value, item.level, item.request_id, spent, item.text),
    )


def _decode(record: bytes) -> LogItem:
    kind, *fields = record.decode().split(_FIELD)
    if kind == "G":
        return Gap(fields[1], int(fields[0]) if fields[0] else None)
    if kind == "E":
        return StreamEnd(fields[0])
    time, sequence, boot, replica, stream, level, request_id, spent, text = fields
    return LogLine(
        time=float(time),
        sequence=int(sequence),
        boot=boot,
        replica=replica,
        stream=Stream(stream),
        level=level,
        text=text,
        request_id=request_id,
        duration_ms=float(spent) if spent else None,
    )
