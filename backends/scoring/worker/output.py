"""What the user's code prints or logs, as marked lines on the pipes that the supervisor reads."""

import io
import logging
import os
import sys
import threading

from .marks import MARK, SEPARATOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


class Current:
    """The request that is being run; one at a time in a worker."""

    request_id = ""


class LineWriter(io.TextIOBase):
    """A text stream that writes whole marked lines, each in one system call."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, descriptor: int, level: str, buffer: "BinaryIO") -> None:
        super().__init__()
        self.buffer = buffer
        self._descriptor = descriptor
        self._level = level
        self._partial = ""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        """Write the lines that are whole, keep the rest."""
        with self._lock:
            lines = (self._partial + text).split("\n")
            self._partial = lines.pop()
            if lines:
                self.lines(self._level, lines)
        return len(text)

    def lines(self, level: str, lines: "list[str]") -> None:
        """Write whole lines of one level."""
        start = MARK + level + SEPARATOR + Current.request_id + SEPARATOR
        data = "".join(start + line + "\n" for line in lines).encode("utf-8", "backslashreplace")
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]

    def end_line(self) -> None:
        """Write what was printed without a line end."""
        if self._partial:
            self.write("\n")

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
        except Exception:
            self.handleError(record)


_LEVELS = (10, 20, 30, 40, 50)
prints = LineWriter(1, "INFO", sys.stdout.buffer)
errors = LineWriter(2, "WARNING", sys.stderr.buffer)


def install(level: str) -> None:
    """Take over the standard streams and the root logger."""
    sys.stdout = prints
    sys.stderr = errors
    root = logging.getLogger()
    root.addHandler(LogHandler())
    root.setLevel(level if level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL") else "INFO")


def report(level: str, text: str) -> None:
    """Write lines of ours to the standard error pipe."""
    errors.lines(level, text.rstrip("\n").split("\n"))


def end_lines() -> None:
    """Finish what a request printed without a line end, so that the next one's is not mixed in."""
    prints.end_line()
    errors.end_line()
