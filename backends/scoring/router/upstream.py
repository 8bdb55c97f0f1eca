"""A replica: its connections, which are kept, and how many requests it has now."""

import asyncio
import contextlib
import socket
from collections import deque
from typing import Protocol, cast

import httptools

from .heads import Answer, Pairs, Request, answer_from

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 30.0
"""How long an idle connection is kept: less than the scoring server keeps it."""
MOST_IDLE = 256


class Passage(Protocol):
    """The request that a connection carries now."""

    request: Request

    def answer(self, answer: Answer) -> None:
        """The answer's head."""

    def data(self, body: bytes) -> None:
        """A piece of its body."""

    def flush(self) -> None:
        """All that arrived together was told."""

    def end(self) -> None:
        """The answer is whole."""

    def lost(self, *, answering: bool, reused: bool) -> None:
        """The connection broke: before any byte of the answer, or in it."""

    def writable(self, *, yes: bool) -> None:
        """The replica takes more of the body, or not now."""


class Upstream:
    """One replica's address and connections."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.inflight = 0
        self.retired = False
        """It gets no new requests."""
        self.down = False
        """It did not take the last connection."""
        self._idle: deque[Link] = deque()

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def kept(self) -> "Link | None":
        """A connection that was used before and is free, the one used last."""
        while self._idle:
            link = self._idle.pop()
            if link.usable:
                return link
        return None

    async def connect(self) -> "Link":
        """A fresh connection.

        Raises:
            OSError: the replica takes none.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, link = await loop.create_connection(lambda: Link(self), self.host, self.port)
        except (OSError, TimeoutError):
            self.down = True
            raise
        self.down = False
        return link

    def keep(self, link: "Link") -> None:
        """Take a connection back."""
        if self.retired or len(self._idle) >= MOST_IDLE:
            link.close()
        else:
            self._idle.append(link)

    def discard(self, link: "Link") -> None:
        """A connection is gone."""
        with contextlib.suppress(ValueError):
            self._idle.remove(link)

    def sweep(self, now: float) -> None:
        """Close what has been idle for too long."""
        while self._idle and self._idle[0].since + IDLE_SECONDS < now:
            self._idle.popleft().close()

    def retire(self) -> None:
        """No new requests; connections end with their present one."""
        self.retired = True
        while self._idle:
            self._idle.popleft().close()


class Link(asyncio.Protocol):
    """A connection to a replica; carries one request at a time."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.since = 0.0
        """When it became idle, by the loop's clock."""
        self._used = self._lasting = False
        self._passage: Passage | None = None
        self._answer: Answer | None = None
        self._told = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def usable(self) -> bool:
        """It can carry another request."""
        return not self._transport.is_closing()

    def carry(self, passage: Passage, data: bytes) -> None:
        """Send a request's head and what is there of its body."""
        self._passage = passage
        self._answer, self._told = None, False
        self.upstream.inflight += 1
        self._transport.write(data)

    def send(self, data: bytes) -> None:
        """Send more of its body."""
        self._transport.write(data)

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""
        if self._passage is not None:
            self._passage = None
            self.upstream.inflight -= 1
        self._transport.abort()

    def close(self) -> None:
        """Close it, idle."""
        self._transport.close()

    def reading(self, *, yes: bool) -> None:
        """Take more of the answer, or not now."""
        if self._transport.is_closing():
            return
        if yes:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; send small writes at once."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """Parse, and tell the request's passage."""
        passage = self._passage
        if passage is None:
            self._transport.abort()  # nothing was asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()
        if self._told:
            self._finish(passage)
        else:
            passage.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The replica closed it, or we did."""
        del exc
        self.upstream.discard(self)
        passage, self._passage = self._passage, None
        if passage is None:
            return
        self.upstream.inflight -= 1
        answer = self._answer
        if answer is not None and answer.until_close:
            passage.end()
        else:
            passage.lost(answering=answer is not None, reused=self._used)

    def pause_writing(self) -> None:
        """The replica reads too slowly."""
        if self._passage is not None:
            self._passage.writable(yes=False)

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._passage is not None:
            self._passage.writable(yes=True)

    # The parser's side

    def on_message_begin(self) -> None:
        """An answer begins."""
        self._pairs: Pairs = []
        self._reason = b""

    def on_status(self, reason: bytes) -> None:
        """A piece of the status line's words."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; trailers are passed over."""
        if self._answer is None:
            self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        status = self._parser.get_status_code()
        passage = self._passage
        if passage is None or status < 200:  # something before the answer
            return
        self._lasting = self._parser.should_keep_alive()
        self._answer = answer_from(status, self._reason, self._pairs, passage.request)
        passage.answer(self._answer)
        if self._answer.bodiless:
            self._told = True

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._passage is not None and self._answer is not None and not self._told:
            self._passage.data(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._answer is not None:
            self._told = True

    def _finish(self, passage: Passage) -> None:
        """The request is over; the connection is free."""
        answer = self._answer
        assert answer is not None
        self._passage = None
        self._used = True
        self.upstream.inflight -= 1
        keep = passage.request.complete and self._lasting
        if answer.bodiless:
            self._parser = httptools.HttpResponseParser(self)
        self.since = asyncio.get_running_loop().time()
        if keep and not self._transport.is_closing():
            self.upstream.keep(self)
        else:
            self._transport.close()
        passage.end()
