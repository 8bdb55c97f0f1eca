"""Log lines of the scoring server as it keeps them on disk: chosen, ordered, followed."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

from backends.targets.logfile import LogReader
from backends.targets.records import Gap, LogLine, LogQuery, Stream, StreamEnd

_QUICK, _QUIET = 0.05, 0.4
"""Seconds between looks at a log that is written to, and at a quiet one."""


async def log_lines(
    path: Path, query: LogQuery, ended: Callable[[], str], *, before: str = ""
) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
    """The lines that `query` asks for, of the newest process life or the one before it.

    Args:
        path: The newest log file.
        query: Which lines; with `follow`, later process lives follow on.
        ended: Why nothing will be written any more; empty while something may.
        before: The boot before the newest process life, which may have said nothing yet.
    """
    with LogReader(path) as reader:
        window = await asyncio.to_thread(_Window, reader, query, before)
        if window.missing:
            yield StreamEnd(window.missing)
            return
        for item in window.items(window.backlog):
            yield item
        delay = _QUICK
        while not window.past:
            reason = ended()
            lines = await asyncio.to_thread(reader.read)
            for item in window.items(lines):
                yield item
            if lines:
                delay = _QUICK
                continue
            if reason or not query.follow:
                yield StreamEnd(reason if query.follow else "the end of the log")
                return
            await asyncio.sleep(delay)
            delay = min(delay * 1.5, _QUIET)
        yield StreamEnd("the end of that instance's log")


def newest_boot(path: Path) -> str:
    """The boot of the newest line that tells one; empty when there is none."""
    with LogReader(path) as reader:
        boots = (parse_line(raw, None).boot for raw in reader.newest_first())
        return next(filter(None, boots), "")


def parse_line(raw: bytes, before: LogLine | None) -> LogLine:
    """One line of the scoring server's log file; a torn or foreign one is shown as it is.

    `before` is the line before it: what is not such a line inherits its time and place.
    """
    return server_line(raw) or LogLine(
        time=before.time if before else 0.0,
        sequence=before.sequence if before else 0,
        boot=before.boot if before else "",
        replica="",
        stream=Stream.SERVER,
        level="WARNING",
        text=raw.decode("utf-8", errors="replace"),
    )


def server_line(raw: bytes, replica: str | None = None) -> LogLine | None:
    """A line as the scoring server writes it; None when it is none.

    Args:
        raw: The line without its end.
        replica: Whose line it is; None names the worker.
    """
    try:
        data = json.loads(raw)
        worker, ms = data.get("worker"), data.get("ms")
        if replica is None:
            replica = "" if worker is None else str(worker)
        return LogLine(
            time=float(data["time"]),
            sequence=int(data["seq"]),
            boot=str(data["boot"]),
            replica=replica,
            stream=Stream(data["stream"]),
            level=str(data.get("level") or "INFO"),
            text=str(data["text"]),
            request_id=str(data.get("rid") or ""),
            duration_ms=None if ms is None else float(ms),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None


class _Window:
    """The part of a log that a query means."""

    def __init__(self, reader: LogReader, query: LogQuery, before: str) -> None:
        self._query = query
        self._ended_boot = before
        self._started = self._seen = False
        self._before: LogLine | None = None
        self.past = False
        self.backlog: list[bytes] = []
        self.missing = ""
        self._boot = self._find_boot(reader.newest_first())
        if query.previous and not self._boot:
            self.missing = "there is no earlier instance in the log"
        elif not query.previous and self._boot == before:
            self._boot = ""  # the newest life has written nothing yet: its lines will follow
        elif query.tail is None:
            reader.rewind()
        else:
            self.backlog = self._tail(reader, query.tail)

    def items(self, lines: list[bytes]) -> Iterator[LogLine | Gap]:
        """Those of the lines that are meant, and a gap wherever numbers are missing."""
        for raw in lines:
            line, last = parse_line(raw, self._before), self._before
            self._before = line
            if not self._admits(line):
                continue
            if gap := self._gap(last, line):
                yield gap
            if self._query.since is None or line.time >= self._query.since:
                yield line

    def _gap(self, last: LogLine | None, line: LogLine) -> Gap | None:
        if last and last.boot == line.boot:
            lost = line.sequence - last.sequence - 1
            return Gap("lines are missing here", lost) if lost > 0 else None
        whole = self._query.tail is None and self._query.since is None
        if whole and not self._seen and line.sequence > 1:
            self._seen = True
            return Gap("older lines are no longer kept", line.sequence - 1)
        self._seen = True
        return None

    def _admits(self, line: LogLine) -> bool:
        same = line.boot in {self._boot, ""}
        self._started = self._started or same or not self._boot
        self.past = self.past or (self._started and not same and self._query.previous)
        return self._started and (same or not self._query.previous)

    def _find_boot(self, newest_first: Iterator[bytes]) -> str:
        newest = ""
        for boot in filter(None, (parse_line(raw, None).boot for raw in newest_first)):
            newest = newest or boot
            if not self._query.previous or boot != newest or boot == self._ended_boot:
                return boot
        return ""

    def _tail(self, reader: LogReader, count: int) -> list[bytes]:
        chosen: list[bytes] = []
        since = self._query.since or 0.0
        for raw in reader.newest_first():
            line = parse_line(raw, None)
            if len(chosen) >= count or (chosen and line.boot not in {self._boot, ""}):
                break
            if line.boot in {self._boot, ""} and (line.time >= since or not line.boot):
                chosen.append(raw)
        if self._query.previous:
            self.past = True
        return chosen[::-1]
