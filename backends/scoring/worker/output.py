"""What the user's code prints or logs, as marked lines on the pipes that the supervisor reads."""

import io
import logging
import os
import sys
import threading

from .carrying import request_id
from .marks import MARK, SEPARATOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterator, List

LONGEST = 16 * 1024
"""Characters after which a line is cut, so that its rest carries its mark too."""


class LineWriter(io.TextIOBase):
    """A text stream that writes whole marked lines, each in one system call."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, descriptor: int, level: str) -> None:
        super().__init__()
        self.buffer = io.FileIO(descriptor, "w", closefd=False)
        self._descriptor = descriptor
        self._level = level
        self._partial: "Dict[int, str]" = {}
        """What each thread wrote without a line end."""
        self._lock = threading.RLock()

    def after_fork(self) -> None:
        """In a child: whoever held the lock is not there."""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        """Write the lines that are whole, keep the rest."""
        me = threading.get_ident()
        lines = (self._partial.pop(me, "") + text).split("\n")
        rest = lines.pop()
        if len(rest) > LONGEST:
            lines.append(rest)
        elif rest:
            self._partial[me] = rest
        if lines:
            self.lines(self._level, lines)
        return len(text)

    def lines(self, level: str, lines: "List[str]") -> None:
        """Write whole lines of one level."""
        start = MARK + level + SEPARATOR + request_id() + SEPARATOR
        if any(len(line) > LONGEST for line in lines):
            lines = [piece for line in lines for piece in _pieces(line)]
        data = "".join([start + line + "\n" for line in lines]).encode("utf-8", "backslashreplace")
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]

    def end_lines(self) -> None:
        """Write what this thread, or one that is gone, printed without a line end."""
        me = threading.get_ident()
        alive = {thread.ident for thread in threading.enumerate()} - {me}
        for ident in list(self._partial):
            if ident not in alive:
                self.lines(self._level, [self._partial.pop(ident, "")])

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The pipe's descriptor, for code that writes to it directly."""
        return self._descriptor


class LogHandler(logging.Handler):
    """The root logger's records as lines of their own level."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, a line of text a line."""
        try:
            level = record.levelname if record.levelno in _LEVELS else "INFO"
            errors.lines(level, "{} - {}".format(record.name, self.format(record)).split("\n"))
        except Exception:  # logging.Handler reports it
            self.handleError(record)


_LEVELS = (10, 20, 30, 40, 50)
prints = LineWriter(1, "INFO")
errors = LineWriter(2, "WARNING")


def install(level: str) -> None:
    """Take over the standard streams and the root logger."""
    sys.stdout = sys.__stdout__ = prints  # type: ignore[assignment,misc]  # a stream by behaviour
    sys.stderr = sys.__stderr__ = errors  # type: ignore[assignment,misc]  # a stream by behaviour
    if hasattr(os, "register_at_fork"):  # from CPython 3.7
        for stream in (prints, errors):
            os.register_at_fork(after_in_child=stream.after_fork)
    root = logging.getLogger()
    root.addHandler(LogHandler())
    root.setLevel(level if level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL") else "INFO")


def report(level: str, text: str) -> None:
    """Write lines of ours to the standard error pipe."""
    errors.lines(level, text.rstrip("\n").split("\n"))


def end_lines() -> None:
    """Finish what a request printed without a line end, so that the next one's is not mixed in."""
    prints.end_lines()
    errors.end_lines()


def _pieces(line: str) -> "Iterator[str]":
    for start in range(0, max(1, len(line)), LONGEST):
        yield line[start : start + LONGEST]
