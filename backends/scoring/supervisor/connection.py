"""One client's connection: httptools' events in, answers out in the order of the requests."""

import asyncio
import traceback
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from . import writing
from .job import INTERNAL, Parts, Reply
from .logs import Log
from .reading import Judge, Reader
from .request import Request

LINGER_SECONDS = 2.0
"""How long a refused body is still read, so that its sender sees the answer and no reset."""
RETIRE_SECONDS = 0.1
"""How long an idle connection of a server that ends is kept for a request on its way."""
IDLE_TURNS = 15
"""Calls of `tick` that a head may take, and that a body or a client may be silent."""
SLOW = "The request did not arrive in time."


class Application(Judge, Protocol):
    """What answers requests; every method returns at once."""

    @property
    def draining(self) -> bool:
        """Every answer is its connection's last."""

    def start(self, request: Request, answer: Callable[[Reply], None]) -> None:
        """Call `answer` once, now or later."""

    def lines(self, request: Request) -> bytes:
        """Header lines of every answer."""

    def finished(self, request: Request, reply: Reply, size: int) -> None:
        """The answer is written; `size` is that of its body."""

    def left(self, request: Request) -> None:
        """The client went away before its answer."""


class Connection(asyncio.Protocol):
    """Parses as bytes arrive; one request is answered at a time, the others wait in order."""

    def __init__(
        self,
        app: Application,
        log: Log,
        opened: "Callable[[Connection], object]",
        ended: "Callable[[Connection], object]",
    ) -> None:
        """A TLS connection is `opened` after its handshake; one that fails in it never is."""
        self._app = app
        self._log = log
        self._opened = opened
        self._ended = ended
        self._reader = Reader(app, self._expected)
        self._waiting = self._reader.complete
        self._current: Request | None = None
        """The request whose answer is next."""
        self._turning = self._paused = False
        self._unsent = 0
        self._writable: asyncio.Event | None = None
        self._stream: asyncio.Task[None] | None = None

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for writing."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by behaviour only
        self._opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what nobody waits for any more."""
        del exc
        self._ended(self)
        self._reader.close()
        if self._stream is not None:
            self._stream.cancel()
        request, self._current = self._current, None
        if request is not None:
            self._app.left(request)

    def data_received(self, data: bytes) -> None:
        """Parse, then answer what is complete."""
        try:
            self._reader.feed(data)
        except httptools.HttpParserCallbackError:
            self._failed(self._reader.coming or Request("GET", "", "", []))
        if self._current is None:
            self._turn()
        elif self._waiting:
            self._pause()

    def pause_writing(self) -> None:
        """The client reads too slowly: take no more of its requests."""
        self._writable = asyncio.Event()
        self._pause()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None
        self._turn()

    def _expected(self) -> None:
        if self._current is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # Answers

    def _turn(self) -> None:
        """Start what waits, if the client takes its answers; those given at once follow here."""
        if self._turning:
            return
        self._turning = True
        while self._current is None and self._waiting and self._writable is None:
            request = self._current = self._waiting.popleft()
            if request.refusal is not None:
                self.answer(request.refusal)
                continue
            try:
                self._app.start(request, self.answer)
            except Exception:  # the border: `_failed` logs it
                self._failed(request)
        self._turning = False
        self._go_on()

    def answer(self, reply: Reply) -> None:
        """Write the answer to the present request, unless its client is gone."""
        request, parts = self._current, reply.parts
        if request is None:
            if parts is not None:
                parts.abandon()
            return
        if self._app.draining and not self._waiting:
            request.keep_alive = False
        if parts is not None:
            writing_it = self._write_parts(request, reply, parts)
            self._stream = asyncio.get_running_loop().create_task(writing_it)
            return
        try:
            self._transport.write(writing.whole(request, reply, self._app.lines(request)))
            self._answered(request, reply, len(reply.body))
        except Exception:  # the border: `_failed` logs it
            self._failed(request)

    def _answered(self, request: Request, reply: Reply, size: int) -> None:
        self._current = None
        self._app.finished(request, reply, size)
        if not request.keep_alive:
            self._close()
        elif self._waiting:
            self._turn()
        elif self._paused:
            self._go_on()

    async def _write_parts(self, request: Request, reply: Reply, parts: Parts) -> None:
        """Write a streamed answer as fast as its client reads it."""
        size = 0
        try:
            self._transport.write(writing.start(request, reply, self._app.lines(request)))
            async for part in parts:
                size += len(part)
                self._transport.write(writing.part(request, reply, part))
                if self._writable is not None:
                    await self._writable.wait()
            if parts.broken:
                self._log.line("the worker broke off a streamed answer", level="ERROR")
                request.keep_alive = False
            else:
                self._transport.write(writing.end(request, reply))
            self._answered(request, reply, size)
        except Exception:  # the border: `_failed` logs it
            self._failed(request)
        finally:
            self._stream = None
            parts.abandon()

    def _failed(self, request: Request) -> None:
        """A bug of ours: its traceback goes to the log, the connection ends."""
        for line in traceback.format_exc().splitlines():
            self._log.line(line, level="ERROR", rid=request.identity.request_id)
        self._current = None
        self._reader.close()
        self._transport.write(writing.whole(request, Reply.problem(500, INTERNAL), b""))
        self._transport.close()

    # Its end

    @property
    def answering(self) -> bool:
        """A whole request is answered or waits for that."""
        return self._current is not None or bool(self._waiting)

    @property
    def busy(self) -> bool:
        """A request is being answered, or arrives."""
        return self.answering or self._reader.coming is not None

    def retire(self) -> None:
        """End after the present answer, or soon: a request may be on its way."""
        if not self.busy:
            asyncio.get_running_loop().call_later(RETIRE_SECONDS, self._close_idle)

    def abort(self) -> None:
        """End now, whatever is under way."""
        self._transport.abort()

    def tick(self) -> None:
        """Called at intervals: end a connection on which nothing happens any more."""
        unsent = self._transport.get_write_buffer_size()
        moved = unsent != self._unsent
        self._unsent = unsent
        reader = self._reader
        reader.idle = 0 if moved or (self._current and not unsent) else reader.idle + 1
        if reader.idle < IDLE_TURNS:
            return
        if reader.coming is None or unsent:
            self.abort()
        else:
            reader.refuse(408, SLOW)
            self._turn()

    def _close_idle(self) -> None:
        if not self.busy:
            self._transport.close()

    def _close(self) -> None:
        """Close; behind a body that was cut short only after a while in which it is read."""
        self._reader.close()
        if self._reader.short and not self._app.draining and self._transport.can_write_eof():
            self._transport.write_eof()
            self._go_on()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.close)
        else:
            self._transport.close()

    def _pause(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _go_on(self) -> None:
        """Read again, unless requests wait or the client does not take its answers."""
        if self._paused and not self._waiting and self._writable is None:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
