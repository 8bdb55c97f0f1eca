"""The server's log: a JSON object a line, written by a thread: no request waits for a disk."""

import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring_ascii as quote
from pathlib import Path

from .trace import Traces

MAX_PENDING = 16 * 1024 * 1024
"""Characters kept for a disk that does not keep up; more of a worker's are dropped and counted."""
MAX_OWN = 2 * MAX_PENDING
"""The same for the server's own lines: a script that floods the log does not silence them."""
FLUSH_SECONDS = 0.05
TAIL = 50


class Log:
    """Lines in order of arrival, each with its time, sequence, boot, worker and request."""

    def __init__(self, path: Path | None, boot: str, rotate_bytes: int) -> None:
        self.boot = boot
        self._sequence = 0
        self._pending: list[str] = []
        self._held = 0
        self._dropped = 0
        self._tails: dict[int, deque[str]] = {}
        self._schedule: Callable[[float, Callable[[], None]], object] | None = None
        self.traces = Traces()
        """What the lines of traced requests name besides the request."""
        self._for_people = path is None and os.isatty(1)
        self._writer = _Writer(path, rotate_bytes)

    def attach(self, call_later: Callable[[float, Callable[[], None]], object]) -> None:
        """Flush on this loop's timer from now on; before that every line is flushed at once."""
        self._schedule = call_later

    def line(
        self,
        text: str,
        *,
        level: str = "INFO",
        worker: int = 0,
        stream: str = "server",
        rid: str = "",
        ms: float | None = None,
    ) -> None:
        """Add one line; worker 0 is the supervisor."""
        if self.backlog >= (MAX_PENDING if worker else MAX_OWN):
            self._dropped += 1
            return
        self._sequence += 1
        if self._for_people:
            self._add(_plain(text, level, worker, rid, ms))
            return
        timing = "" if ms is None else f'"ms":{ms:.3f},'
        trace = self.traces.of(rid)
        if trace:
            timing += f'"trace":"{trace}",'
        self._add(
            f'{{"time":{time.time():.6f},"seq":{self._sequence},"boot":"{self.boot}",'
            f'"worker":{worker},"stream":"{stream}","level":"{level}","rid":{quote(rid)},'
            f'{timing}"text":{quote(text)}}}\n'
        )

    @property
    def backlog(self) -> int:
        """Characters that are not written yet."""
        return self._held + self._writer.backlog

    def drop(self, count: int) -> None:
        """So many lines are lost."""
        self._dropped += count

    def _add(self, line: str) -> None:
        self._pending.append(line)
        self._held += len(line)
        if len(self._pending) == 1:
            if self._schedule is None:
                self.flush()
            else:
                self._schedule(FLUSH_SECONDS, self.flush)

    def access(self, route: str, status: int, size: int, rid: str, ms: float) -> None:
        """One request's line: method and route, status, size of the answer's body."""
        self.line(f"{route} {status} {size}", rid=rid, ms=ms)

    def keep_tail(self, worker: int, text: str) -> None:
        """Remember a worker's last lines for its failure report."""
        tail = self._tails.get(worker)
        if tail is None:
            tail = self._tails[worker] = deque(maxlen=TAIL)
        tail.append(text)

    def tail(self, worker: int) -> tuple[str, ...]:
        """A worker's last lines, oldest first; they are forgotten."""
        return tuple(self._tails.pop(worker, ()))

    def flush(self) -> None:
        """Hand what is pending to the writer."""
        if self._dropped:
            lost, self._dropped = self._dropped, 0
            self._sequence += lost
            self.line(f"{lost} log lines were lost: the disk does not keep up", level="WARNING")
        if self._pending:
            lines, self._pending, self._held = self._pending, [], 0
            self._writer.put(lines)

    def write_file(self, path: Path, text: str) -> None:
        """Replace a small file whole, by the writing thread."""
        self._writer.put((path, text))

    def close(self) -> None:
        """Write everything; wait at most two seconds."""
        self.flush()
        self._writer.close()


class _Writer:
    """The thread: appends lines, rotates by size, replaces files."""

    def __init__(self, path: Path | None, rotate_bytes: int) -> None:
        self._path = path
        self._limit = rotate_bytes
        self._put = self._done = 0
        self._queue: queue.SimpleQueue[list[str] | tuple[Path, str] | None] = queue.SimpleQueue()
        self._descriptor = 1 if path is None else _open(path)
        self._size = os.fstat(self._descriptor).st_size if path else 0
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Characters that were put and are not written."""
        return self._put - self._done

    def put(self, item: list[str] | tuple[Path, str]) -> None:
        if isinstance(item, list):
            self._put += sum(map(len, item))
        self._queue.put(item)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(2.0)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                if isinstance(item, tuple):
                    _replace(*item)
                else:
                    for piece in _pieces(item, self._limit):
                        self._write(piece)
            except OSError as error:
                print(f"log: {error}", file=sys.stderr)  # noqa: T201 - nowhere else is left
            self._done += sum(map(len, item)) if isinstance(item, list) else 0

    def _write(self, data: bytes) -> None:
        if self._path is not None and self._size and self._size + len(data) > self._limit:
            os.close(self._descriptor)
            self._path.replace(f"{self._path}.1")
            self._descriptor, self._size = _open(self._path), 0
        self._size += len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


def _pieces(lines: list[str], limit: int) -> Iterator[bytes]:
    """The lines joined into as few writes as fit the size at which the file is rotated."""
    piece: list[str] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > limit:
            yield "".join(piece).encode()
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    yield "".join(piece).encode()


def _plain(text: str, level: str, worker: int, rid: str, ms: float | None) -> str:
    """A line for a terminal: no control character of a script or a caller reaches it."""
    clock = time.strftime("%H:%M:%S")
    source = f"worker {worker}" if worker else "server"
    extra = (f" {ms:.3f} ms" if ms is not None else "") + (f" [{rid}]" if rid else "")
    line = f"{clock} {level:<8} {source:<9} {text}{extra}"
    shown = (c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)
    return "".join(shown) + "\n"


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".tmp")
    flags = os.O_WRONLY | os.O_TRUNC | os.O_CREAT | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
