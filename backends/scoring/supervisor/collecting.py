"""Data collection: inputs and predictions to dated files, by a thread; no request waits for it.

What a script hands to its own `ModelDataCollector` is stored as it is. For a script that has none,
every answered request is stored: its body under `inputs`, the answer's under `predictions`, one row
each in the column `body`, with the same ids.
"""

import asyncio
import base64
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.scoring.launch import Launch
from backends.scoring.worker import collected

from .datafiles import DataFiles

MOST_PENDING = 32 * 1024 * 1024
"""Bytes that may wait for the disk; more is lost and counted."""
LARGEST = 8 * 1024 * 1024
"""Bytes of one request or answer; larger ones are lost and counted."""
FLUSH_SECONDS = 0.1
TELL_SECONDS = 10.0
"""Losses are logged at most so often."""
BODY = ("body",)
SCOPE = "default"
"""Subscription and resource group in the path, which only Azure has."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a script's own collector."""

    model: str
    version: str
    designation: str
    header: str
    count: int
    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One answered request."""

    request_id: str
    at: float
    inputs: bytes
    predictions: bytes

    @property
    def size(self) -> int:
        return len(self.inputs) + len(self.predictions)


class Collector:
    """Takes rows on the loop; a thread of its own formats and stores them."""

    def __init__(self, launch: Launch, folder: Path, log: Callable[[str, str], None]) -> None:
        """`log` takes a level and a line, and is called on the loop."""
        self._log = log
        self._items: list[_Rows | _Exchange] = []
        self._put = 0
        self._told = 0.0
        self._silent = 0
        self._refused: Counter[str] = Counter()
        self._store = _Store(launch.origin(), folder / launch.data_dir, launch.data_bytes)

    def exchange(self, request_id: str, inputs: bytes, predictions: bytes | None) -> None:
        """One request and its answer, for a script without a collector of its own.

        An answer that was streamed is None: it passed by piece by piece.
        """
        if predictions is None:
            self._lose("streamed", 2)
        elif len(inputs) > LARGEST or len(predictions) > LARGEST:
            self._lose("too large", 2)
        else:
            self._add(_Exchange(request_id, time.time(), inputs, predictions), 2)

    def rows(self, meta: list[Any], body: bytes) -> None:
        """What a script's collector handed over; without a body it could not be sent."""
        model, version, designation, header, count = meta
        if body:
            self._add(_Rows(model, version, designation, header, count, body), count)
        elif count:
            self._lose("too large" if header else "unreadable", count)

    @property
    def lost(self) -> Counter[str]:
        """Rows by reason."""
        return self._refused + self._store.lost

    def samples(self) -> str:
        """The counters in Prometheus' text format."""
        lines = ["# TYPE scoring_collected_rows_total counter"]
        lines += [
            f'scoring_collected_rows_total{{designation="{name}"}} {count}'
            for name, count in sorted(self._store.stored.copy().items())
        ]
        lines.append("# TYPE scoring_collected_lost_total counter")
        lines += [
            f'scoring_collected_lost_total{{reason="{reason}"}} {count}'
            for reason, count in sorted(self.lost.items())
        ]
        return "\n".join(lines) + "\n"

    def close(self) -> None:
        """Take no more; what waits is still stored."""
        self._flush()
        self._store.queue.put(None)
        self._tell()

    async def finish(self, seconds: float) -> None:
        """Close, and wait until everything is stored, or the time is over."""
        self.close()
        await asyncio.to_thread(self._store.thread.join, seconds)
        self._flush()
        self._tell()

    def _add(self, item: _Rows | _Exchange, count: int) -> None:
        if self._put - self._store.done + item.size > MOST_PENDING:
            self._lose("queue full", count)
            return
        self._put += item.size
        self._items.append(item)
        if len(self._items) == 1:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        if self._items:
            items, self._items = self._items, []
            self._store.queue.put(items)
        for level, text in self._store.news():
            self._log(level, text)
        if time.monotonic() - self._told > TELL_SECONDS:
            self._tell()

    def _lose(self, reason: str, count: int) -> None:
        self._refused[reason] += count
        if time.monotonic() - self._told > TELL_SECONDS:
            self._tell()

    def _tell(self) -> None:
        lost = self.lost
        new = lost.total() - self._silent
        if new > 0:
            self._told = time.monotonic()
            self._silent += new
            why = ", ".join(f"{reason}: {count}" for reason, count in sorted(lost.items()))
            self._log("WARNING", f"{new} rows of collected data were lost (so far {why})")


class _Store:
    """The thread."""

    def __init__(self, origin: dict[str, Any], folder: Path, total_bytes: int) -> None:
        self._origin = collected.Origin.of(origin)
        self._path = (SCOPE, SCOPE, origin["workspace"], origin["service"])
        self._files = DataFiles(folder, total_bytes)
        self._news: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._failure = ""
        self.stored: Counter[str] = Counter()
        """Rows by designation."""
        self.lost: Counter[str] = Counter()
        """Rows by reason."""
        self.done = 0
        """Bytes that were stored or lost."""
        self.queue: queue.SimpleQueue[list[_Rows | _Exchange] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="collect", daemon=True)
        self.thread.start()

    def news(self) -> list[tuple[str, str]]:
        """What the thread wants to be logged: level and line."""
        return [self._news.get() for _ in range(self._news.qsize())]

    def _work(self) -> None:
        while (items := self.queue.get()) is not None:
            exchanges = [item for item in items if isinstance(item, _Exchange)]
            for rows in (*self._bodies(exchanges), *(i for i in items if isinstance(i, _Rows))):
                self._append(rows)
            self.done += sum(item.size for item in items)

    def _bodies(self, exchanges: list[_Exchange]) -> list[_Rows]:
        """Both files' rows of one batch of requests, each written in one go."""
        if not exchanges:
            return []
        origin, header, count = self._origin, collected.header(BODY), len(exchanges)
        inputs = "".join(_row(origin, e, e.inputs) for e in exchanges).encode()
        predictions = "".join(_row(origin, e, e.predictions) for e in exchanges).encode()
        return [
            _Rows(origin.model, origin.version, "inputs", header, count, inputs),
            _Rows(origin.model, origin.version, "predictions", header, count, predictions),
        ]

    def _append(self, rows: _Rows) -> None:
        parts = (*self._path, rows.model, rows.version, rows.designation)
        try:
            removed = self._files.append(parts, rows.designation, rows.header, rows.body)
        except OSError as error:
            self.lost["disk"] += rows.count
            if str(error) != self._failure:
                self._failure = str(error)
                self._news.put(("ERROR", f"collected data cannot be stored: {error}"))
            return
        self._failure = ""
        self.stored[_known(rows.designation)] += rows.count
        if removed:
            self._news.put(
                ("WARNING", f"{removed} of the oldest files of collected data gave way to new ones")
            )


DESIGNATIONS = ("inputs", "predictions", "labels", "signals", "general")


def _known(designation: str) -> str:
    """A label of the metrics: never a text of the script's choice."""
    return designation if designation in DESIGNATIONS else "other"


def _row(origin: collected.Origin, exchange: _Exchange, body: bytes) -> str:
    rid = exchange.request_id
    return collected.rows(origin, [rid], rid, exchange.at, [[_readable(body)]])


def _readable(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(body).decode("ascii")
