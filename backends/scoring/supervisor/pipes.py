"""A worker's standard streams as log lines; the mark and its fields are those of `worker.marks`."""

import asyncio
from collections.abc import Callable

from backends.scoring.worker.marks import MARK, SEPARATOR

from .logs import MAX_PENDING, TAIL, Log

LONGEST = 64 * 1024
"""Bytes after which a line without an end is cut."""
LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})


class PipeReader(asyncio.Protocol):
    """Splits one pipe into lines."""

    def __init__(
        self, log: Log, worker: int, stream: str, level: str, ended: Callable[[], None]
    ) -> None:
        self._log = log
        self._worker = worker
        self._stream = stream
        self._level = level
        self._ended = ended
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """Log the lines that are whole."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        self._take(lines)
        while len(self._rest) > LONGEST:
            self._line(self._rest[:LONGEST])
            self._rest = self._rest[LONGEST:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Log what had no line end."""
        del exc
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        self._ended()

    def _take(self, lines: list[bytes]) -> None:
        """Log lines; in a flood only the last ones are looked at, the others are counted."""
        if self._log.backlog >= MAX_PENDING and len(lines) > TAIL:
            self._log.drop(len(lines) - TAIL)
            lines = lines[-TAIL:]
        for line in lines:
            self._line(line)

    def _line(self, line: bytes) -> None:
        text, level, rid = line.decode("utf-8", "replace"), self._level, ""
        if text.startswith(MARK):
            parts = text[1:].split(SEPARATOR, 2)
            if len(parts) == 3 and parts[0] in LEVELS:
                level, rid, text = parts
        self._log.line(text, level=level, worker=self._worker, stream=self._stream, rid=rid)
        self._log.keep_tail(self._worker, text)
