"""A client's connection: requests in, one after the other; it outlives every replica."""

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from .heads import Pairs, Request, problem, request_from
from .passage import Passing
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMED_BYTES = 64 * 1024
"""A body of which so much has arrived is sent on before it is whole."""
LONGEST_HEAD = 64 * 1024
IDLE_TICKS = 15
"""Calls of `tick` without a byte after which an idle connection is closed."""
LINGER_SECONDS = 2.0
"""How long a body that nobody wants is still read, so that its sender sees the answer."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientConnection(asyncio.Protocol):
    """One connection; requests are answered in their order."""

    def __init__(self, table: Table, ended: "Callable[[ClientConnection], object]") -> None:
        self._table = table
        self._ended = ended
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._coming: Request | None = None
        self._passing: Passing | None = None
        self._draining = self._deaf = self._paused = self._held = False
        self._head_bytes = self._idle = self._unsent = 0

    @property
    def busy(self) -> bool:
        """A request arrives or is answered."""
        return self._passing is not None or bool(self._waiting) or self._coming is not None

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; send small writes at once."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Parse, then send on what is complete."""
        self._idle = 0
        if self._deaf:
            return
        self._head_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError:
            if not self._deaf:
                self._refuse(400, "Bad Request", "Invalid HTTP request received.")
        if self._head_bytes > LONGEST_HEAD and not self._deaf:
            self._refuse(431, "Request Header Fields Too Large", "The request's head is too long.")
        self._turn()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what nobody waits for any more."""
        del exc
        self._deaf = True
        self._waiting.clear()
        passing, self._passing = self._passing, None
        if passing is not None:
            passing.left()
        self._ended(self)

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        if self._passing is not None:
            self._passing.reading(yes=False)

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._passing is not None:
            self._passing.reading(yes=True)

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]  # an offer that is not taken up
            else:
                return

    # The parser's side

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target = b""
        self._pairs: Pairs = []
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; trailers are passed over."""
        if self._in_head:
            self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        parser = self._parser
        modern = parser.get_http_version() != "1.0"
        self._coming = request_from(
            parser.get_method(),
            self._target,
            self._pairs,
            modern=modern,
            keep_alive=parser.should_keep_alive(),
        )
        self._waiting.append(self._coming)
        self._head_bytes = 0

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._head_bytes = 0
        request = self._coming
        if request is None:
            return
        passing = self._passing
        if passing is not None and passing.request is request:
            passing.body(body)
        else:
            request.parts.append(body)
            request.size += len(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        request, self._coming = self._coming, None
        if request is None:
            return
        request.complete = True
        self._deaf = self._deaf or not request.keep_alive
        if self._passing is not None and self._passing.request is request:
            self._passing.body_ended()

    # What a request's passage asks for

    def write(self, data: bytes) -> None:
        """Give bytes to the client."""
        self._transport.write(data)

    def over(self, *, broken: bool = False) -> None:
        """The present request is answered."""
        passing, self._passing = self._passing, None
        if passing is None:
            return
        self._held = False
        if broken:
            self._transport.abort()
        elif not passing.request.complete:
            self._cut_short()
        elif self._waiting and passing.request.keep_alive:
            self._turn()
        elif not passing.request.keep_alive or self._draining:
            self._transport.close()
        else:
            self._hold()

    def take_body(self, *, yes: bool) -> None:
        """Read more of the body, or not now."""
        self._held = not yes
        self._hold()

    # Its own

    def _turn(self) -> None:
        """Start the next request when it is whole, or long."""
        if self._passing is None and self._waiting:
            request = self._waiting[0]
            if request.complete or request.size >= STREAMED_BYTES:
                self._waiting.popleft()
                if self._draining and not self._waiting:
                    request.keep_alive = False
                self._passing = Passing(self._table, self, request)
                self._passing.start()
            elif request.waits:
                request.waits = False
                self._transport.write(_CONTINUE)
        self._hold()

    def _hold(self) -> None:
        """Read, unless requests wait already or a replica does not take the body."""
        pause = self._held or (self._passing is not None and bool(self._waiting))
        if pause == self._paused or self._transport.is_closing():
            return
        self._paused = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _refuse(self, status: int, reason: str, message: str) -> None:
        """Answer what is no request, behind those that were."""
        self._deaf = True
        if self._passing is not None or any(request.complete for request in self._waiting):
            self._draining = True
            return
        self._transport.write(problem(status, reason, message, close=True))
        self._transport.close()

    def _cut_short(self) -> None:
        """The answer came before the request was whole: read on for a while, then close."""
        self._deaf = True
        self._hold()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.close)

    def tick(self) -> None:
        """Called at intervals: end a connection on which nothing happens."""
        unsent = self._transport.get_write_buffer_size()
        moved = unsent != self._unsent
        self._unsent = unsent
        waits = self._passing is not None and not unsent
        self._idle = 0 if moved or waits else self._idle + 1
        if self._idle >= IDLE_TICKS:
            self._transport.abort()

    def retire(self) -> None:
        """End after the present request."""
        self._draining = True
        if not self.busy:
            self._transport.close()
