"""One scoring request on its way through the supervisor, and what comes back."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .trace import Trace

JSON_TYPE = [["content-type", "application/json"]]
RETRY_AFTER = ["retry-after", "1"]
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."


@dataclass(slots=True)
class Reply:
    """An answer, from a worker or in its place."""

    status: int
    body: bytes
    headers: list[list[str]] = field(default_factory=lambda: JSON_TYPE)
    run_ms: float | None = None
    parts: "Parts | None" = None
    """The rest of a streamed body."""
    rejected: str = ""
    """Why no worker answered; empty when one did."""

    @classmethod
    def problem(cls, status: int, message: str, *, rejected: str = "") -> "Reply":
        """An error as the contract words it."""
        headers = [*JSON_TYPE, RETRY_AFTER] if status == 503 else JSON_TYPE
        body = json.dumps({"message": message}).encode()
        return cls(status, body, headers, rejected=rejected)

    def with_header(self, name: str, value: str) -> "Reply":
        """The same with one more header."""
        self.headers = [*self.headers, [name, value]]
        return self


class Job:
    """A request that waits for a worker or is with one."""

    __slots__ = (
        "abandoned",
        "batch",
        "body",
        "done",
        "meta",
        "pairs",
        "queue_ms",
        "queued",
        "reply",
        "trace",
    )

    def __init__(
        self,
        meta: tuple[str, str, str, str, str],
        pairs: list[tuple[bytes, bytes]],
        body: bytes,
        done: Callable[[Reply], None],
    ) -> None:
        self.meta = meta
        """Id, method, target, content type, accept: what every worker is told."""
        self.pairs = pairs
        """Headers, for a worker that wants them."""
        self.trace: Trace | None = None
        """The caller's trace context, for whatever `run()` calls."""
        self.body = body
        self.done = done
        """Called once, with the answer."""
        self.reply: Reply | None = None
        self.queued = 0.0
        """When it began to wait, by `perf_counter`: loops' clocks are coarse. 0: it did not."""
        self.queue_ms = 0.0
        self.batch = 0
        """How many ran in one call, on the first of them."""
        self.abandoned = False
        """Nobody waits for an answer any more: there is one, or the client is gone."""

    def finish(self, reply: Reply) -> None:
        """Hand over the answer, unless nobody waits for one."""
        if self.abandoned:
            if reply.parts is not None:
                reply.parts.abandon()
            return
        self.abandoned = True
        self.reply = reply
        self.done(reply)


class Parts:
    """The pieces of a streamed body, as they arrive; the worker is held back beyond a megabyte."""

    LIMIT = 1024 * 1024

    def __init__(self, link: Any) -> None:
        self._link = link
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._held = 0
        self._unread = False
        self.broken = False
        """The body ended before its end."""

    def add(self, piece: bytes) -> None:
        """Another piece."""
        if self._unread:
            return
        self._held += len(piece)
        if self._held > self.LIMIT:
            self._link.pause()
        self._pieces.put_nowait(piece)

    def abandon(self) -> None:
        """Nobody reads on: drop what is here and what comes, so that the worker can finish."""
        self._unread = True
        self._link.resume()

    def end(self, *, broken: bool = False) -> None:
        """No more."""
        self.broken = self.broken or broken
        self._pieces.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Every piece; ends early when `broken`."""
        while (piece := await self._pieces.get()) is not None:
            self._held -= len(piece)
            if self._held <= self.LIMIT:
                self._link.resume()
            yield piece
