"""What arrives on a connection, as requests: httptools' events, their limits, their refusals."""

from collections import deque
from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote

import httptools

from .job import Reply
from .request import Pairs, Request

SILENT_BYTES = 64 * 1024
"""Bytes that may arrive without a body's byte among them: heads, trailers, chunk extensions."""
BAD = "Invalid HTTP request received."
TOO_LONG = "The request's head or framing is longer than 65536 bytes."


class Judge(Protocol):
    """Who says what may come."""

    body_bytes: int

    def refuse(self, request: Request) -> Reply | None:
        """Why a request gets no further, judged by its head."""


class Reader:
    """Requests in the order in which they came; those that are refused carry the reason."""

    def __init__(self, judge: Judge, expected: Callable[[], None]) -> None:
        """`expected` is called when a client waits to be told to send its body."""
        self._judge = judge
        self._expected = expected
        self._parser = httptools.HttpRequestParser(self)
        self.complete: deque[Request] = deque()
        self.coming: Request | None = None
        """The request whose body arrives."""
        self.deaf = False
        """The last request is here: nothing more is taken."""
        self.short = False
        """It was refused before all of it had come."""
        self.idle = 0
        """Set to 0 when a request begins and with every piece of a body."""
        self._body: bytes | bytearray = b""
        self._size = 0
        self._silent = 0

    def feed(self, data: bytes) -> None:
        """Take bytes.

        Raises:
            httptools.HttpParserCallbackError: A bug of ours; it has the cause.
        """
        if self.deaf:
            return
        self._silent += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserCallbackError:
            raise
        except httptools.HttpParserError:
            if not self.deaf:  # what follows a last request is not ours to judge
                self.refuse(400, BAD)
        if self._silent > SILENT_BYTES and not self.deaf:
            self.refuse(431, TOO_LONG)

    def refuse(self, status: int, message: str) -> None:
        """End with something that is no request, or not a whole one."""
        request = self.coming or Request("GET", "", "", [])
        request.refusal = Reply.problem(status, message)
        self._cut(request)

    def close(self) -> None:
        """Take nothing more, forget what waits."""
        self.deaf = True
        self.complete.clear()

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if self.deaf:
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

    # The parser's side

    def on_message_begin(self) -> None:
        """A request begins."""
        self._silent = self.idle = 0
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
        request.refusal = self._judge.refuse(request)
        self.coming = request
        self._size = 0
        length = request.headers.get(b"content-length", b"0")
        if int(length) > self._judge.body_bytes:
            self._too_large(request)
        elif b"expect" in request.headers:
            self._expect(request)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._silent = self.idle = 0
        request = self.coming
        if request is None:
            return
        self._size += len(body)
        if self._size > self._judge.body_bytes:
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
        request, self.coming = self.coming, None
        if request is None or self.deaf:
            return
        request.body = bytes(self._body)
        self._body = b""
        self.complete.append(request)
        self.deaf = not request.keep_alive

    # Requests that end the connection

    def _too_large(self, request: Request) -> None:
        message = f"The request body is larger than {self._judge.body_bytes} bytes."
        if request.refusal is None:
            request.refusal = Reply.problem(413, message, rejected="body")
        self._cut(request)

    def _expect(self, request: Request) -> None:
        if request.headers[b"expect"].lower() != b"100-continue" or not request.modern:
            return
        if request.refusal is not None:
            self._cut(request)
        elif not self.complete:
            self._expected()

    def _cut(self, request: Request) -> None:
        """Make this the last request, whatever of it is still to come."""
        request.keep_alive = False
        self.coming, self._body = None, b""
        self.deaf = self.short = True
        self.complete.append(request)


def _absolute(url: bytes) -> str:
    """The path of a target that names a host, as to a proxy; of `*` and the like it is nothing."""
    try:
        return (httptools.parse_url(url).path or b"").decode("latin-1")
    except httptools.HttpParserInvalidURLError:
        return ""
