"""One client's connection: httptools' events in, answers out in the order of the requests."""

import asyncio
import traceback
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast
from urllib.parse import unquote

import httptools

from . import writing
from .job import INTERNAL, Parts, Reply
from .logs import Log
from .request import Pairs, Request

SILENT_BYTES = 64 * 1024
"""Bytes that may arrive without a body's byte among them: heads, trailers, chunk extensions."""
LINGER_SECONDS = 2.0
"""How long a refused body is still read, so that its sender sees the answer and no reset."""
RETIRE_SECONDS = 0.1
"""How long an idle connection of a server that ends is kept for a request on its way."""
IDLE_TURNS = 15
"""Calls of `tick` that a head may take, and that a body or a client may be silent."""
BAD = "Invalid HTTP request received."
TOO_LONG = "The request's head or framing is longer than 65536 bytes."
SLOW = "The request did not arrive in time."


class Application(Protocol):
    """What answers requests; every method returns at once."""

    body_bytes: int

    @property
    def draining(self) -> bool:
        """Every answer is its connection's last."""

    def refuse(self, request: Request) -> Reply | None:
        """Why a request gets no further, judged by its head."""

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
        self._parser = httptools.HttpRequestParser(self)
        self._current: Request | None = None
        """The request whose answer is next."""
        self._waiting: deque[Request] = deque()
        self._coming: Request | None = None
        """The request whose body arrives."""
        self._body: bytes | bytearray = b""
        self._size = 0
        self._turning = self._deaf = self._paused = self._short = False
        self._silent = self._idle = self._unsent = 0
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
        self._deaf = True
        self._waiting.clear()
        if self._stream is not None:
            self._stream.cancel()
        request, self._current = self._current, None
        if request is not None:
            self._app.left(request)

    def data_received(self, data: bytes) -> None:
        """Parse, then answer what is complete."""
        if self._deaf:
            return
        self._silent += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserCallbackError:
            self._failed(self._coming or Request("GET", "", "", []))
        except httptools.HttpParserError:
            if not self._deaf:  # what follows a last request is not ours to judge
                self._refuse(400, BAD)
        if self._silent > SILENT_BYTES and not self._deaf:
            self._refuse(431, TOO_LONG)
        if self._current is None:
            self._turn()
        elif self._waiting:
            self._pause()

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if self._deaf:
                    return
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        """The present head again, without its offer of another protocol.

        The parser takes what follows an offer for that protocol, the request's own body included.
        """
        parser = self._parser
        lines = [b"%b: %b\r\n" % pair for pair in self._pairs if pair[0] != b"upgrade"]
        version = parser.get_http_version().encode("ascii")
        first = b"%b %b HTTP/%b\r\n" % (parser.get_method(), self._url, version)
        return first + b"".join(lines) + b"\r\n"

    def pause_writing(self) -> None:
        """The client reads too slowly: take no more of its requests."""
        self._writable = asyncio.Event()
        self._pause()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None
        self._go_on()

    # The parser's side

    def on_message_begin(self) -> None:
        """A request begins."""
        self._silent = self._idle = 0
        self._url = b""
        self._pairs: Pairs = []
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; trailers are passed over."""
        if self._in_head:
            self._pairs.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Judge the head, before the body is taken."""
        self._in_head = False
        parser = self._parser
        method = parser.get_method().decode("ascii")
        if parser.should_upgrade() and method != "CONNECT":
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        if not path.startswith("/"):
            path = _absolute(self._url)
        request = Request(method, unquote(path) if "%" in path else path, query, self._pairs)
        request.modern = parser.get_http_version() != "1.0"
        request.keep_alive = request.modern and parser.should_keep_alive() and method != "CONNECT"
        request.refusal = self._app.refuse(request)
        self._coming = request
        self._size = 0
        length = request.headers.get(b"content-length", b"0")
        if int(length) > self._app.body_bytes:
            self._too_large(request)
        elif b"expect" in request.headers:
            self._expect(request)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._silent = self._idle = 0
        request = self._coming
        if request is None:
            return
        self._size += len(body)
        if self._size > self._app.body_bytes:
            self._too_large(request)
        elif request.refusal is None:
            if not self._body:
                self._body = body
            elif isinstance(self._body, bytearray):
                self._body += body
            else:
                self._body = bytearray(self._body) + body

    def on_message_complete(self) -> None:
        """The request is whole."""
        request, self._coming = self._coming, None
        if request is None or self._deaf:
            return
        request.body = bytes(self._body)
        self._body = b""
        self._waiting.append(request)
        self._deaf = not request.keep_alive

    # Requests that end the connection

    def _too_large(self, request: Request) -> None:
        message = f"The request body is larger than {self._app.body_bytes} bytes."
        if request.refusal is None:
            request.refusal = Reply.problem(413, message, rejected="body")
        self._cut(request)

    def _expect(self, request: Request) -> None:
        if request.headers[b"expect"].lower() != b"100-continue" or not request.modern:
            return
        if request.refusal is not None:
            self._cut(request)
        elif self._current is None and not self._waiting:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, status: int, message: str) -> None:
        """Answer something that is no request, or not a whole one."""
        request = self._coming or Request("GET", "", "", [])
        request.refusal = Reply.problem(status, message)
        self._cut(request)

    def _cut(self, request: Request) -> None:
        """Make this the last request, whatever of it is still to come."""
        request.keep_alive = False
        self._coming, self._body = None, b""
        self._deaf = self._short = True
        self._waiting.append(request)

    # Answers

    def _turn(self) -> None:
        """Start what waits; requests that are answered at once follow each other here."""
        if self._turning:
            return
        self._turning = True
        while self._current is None and self._waiting:
            request = self._current = self._waiting.popleft()
            if request.refusal is not None:
                self.answer(request.refusal)
                continue
            try:
                self._app.start(request, self.answer)
            except Exception:
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
        except Exception:
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
        except Exception:
            self._failed(request)
        finally:
            self._stream = None
            parts.abandon()

    def _failed(self, request: Request) -> None:
        """A bug of ours: its traceback goes to the log, the connection ends."""
        for line in traceback.format_exc().splitlines():
            self._log.line(line, level="ERROR", rid=request.identity.request_id)
        self._deaf, self._current = True, None
        self._waiting.clear()
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
        return self.answering or self._coming is not None

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
        self._idle = 0 if moved or (self._current is not None and not unsent) else self._idle + 1
        if self._idle < IDLE_TURNS:
            return
        if self._coming is None or unsent:
            self.abort()
        else:
            self._refuse(408, SLOW)
            self._turn()

    def _close_idle(self) -> None:
        if not self.busy:
            self._transport.close()

    def _close(self) -> None:
        """Close; behind a body that was cut short only after a while in which it is read."""
        self._deaf = True
        self._waiting.clear()
        if self._short and not self._app.draining and self._transport.can_write_eof():
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


def _absolute(url: bytes) -> str:
    """The path of a target that names a host, as to a proxy; of `*` and the like it is nothing."""
    try:
        return (httptools.parse_url(url).path or b"").decode("latin-1")
    except httptools.HttpParserInvalidURLError:
        return ""
