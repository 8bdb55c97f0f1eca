"""Heads of requests and answers on their way through: what one connection says of itself stays."""

from collections.abc import Iterable
from dataclasses import dataclass, field

Pairs = list[tuple[bytes, bytes]]

_OF_A_CONNECTION = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110, section 7.6.1."""
_NO_BODY = frozenset({204, 304})


@dataclass(slots=True)
class Request:
    """A request as it arrives; its body is kept until it is sent."""

    method: bytes
    target: bytes
    pairs: Pairs
    modern: bool
    """HTTP/1.1."""
    keep_alive: bool
    length: int | None
    """Bytes of the body; None when it comes in chunks."""
    waits: bool = False
    """The client waits for "100 Continue" before it sends the body."""
    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    """Bytes in `parts`."""
    complete: bool = False

    def head(self) -> bytes:
        """As it is sent on."""
        lines = [self.method + b" " + self.target + b" HTTP/1.1"]
        lines += _kept(self.pairs, also={b"content-length", b"expect"})
        if self.length is None:
            lines.append(b"transfer-encoding: chunked")
        elif self.length or self.method in {b"POST", b"PUT", b"PATCH"}:
            lines.append(b"content-length: %d" % self.length)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def framed(self, body: bytes) -> bytes:
        """A piece of the body as it is sent on."""
        return chunk(body) if self.length is None else body

    def end(self) -> bytes:
        """What follows the last piece."""
        return LAST_CHUNK if self.length is None else b""


@dataclass(slots=True)
class Answer:
    """An answer's head and how its body ends."""

    status: int
    reason: bytes
    pairs: Pairs
    bodiless: bool
    chunked: bool = False
    """The body is sent in chunks."""
    until_close: bool = False
    """The body ends with the connection."""

    def head(self, request: Request) -> bytes:
        """As it is given to the client."""
        lines = [b"HTTP/1.1 %d %s" % (self.status, self.reason)]
        lines += _kept(self.pairs)
        if self.chunked:
            lines.append(b"transfer-encoding: chunked")
        if not request.keep_alive:
            lines.append(b"connection: close")
        elif not request.modern:
            lines.append(b"connection: keep-alive")
        return b"\r\n".join(lines) + b"\r\n\r\n"


LAST_CHUNK = b"0\r\n\r\n"


def chunk(body: bytes) -> bytes:
    """A piece of a body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def request_from(
    method: bytes, target: bytes, pairs: Pairs, *, modern: bool, keep_alive: bool
) -> Request:
    """A request whose head is whole."""
    length: int | None = 0
    waits = False
    for name, value in pairs:
        lowered = name.lower()
        if lowered == b"content-length":
            length = int(value)
        elif lowered == b"transfer-encoding":
            length = None
        elif lowered == b"expect":
            waits = modern and value.lower() == b"100-continue"
    return Request(method, target, pairs, modern, keep_alive, length, waits)


def answer_from(status: int, reason: bytes, pairs: Pairs, request: Request) -> Answer:
    """An answer whose head is whole."""
    bodiless = request.method == b"HEAD" or status in _NO_BODY
    names = {name.lower() for name, _ in pairs}
    answer = Answer(status, reason, pairs, bodiless)
    if not bodiless and b"content-length" not in names:
        answer.until_close = b"transfer-encoding" not in names
        answer.chunked = request.modern
        if not request.modern:
            request.keep_alive = False
    return answer


def problem(status: int, reason: str, message: str, *, close: bool = False) -> bytes:
    """An answer of the router's own, in the scoring server's form."""
    body = message.encode()
    end = "connection: close\r\n" if close else ""
    head = (
        f"HTTP/1.1 {status} {reason}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\n{end}\r\n"
    )
    return head.encode() + body


def _kept(pairs: Pairs, also: Iterable[bytes] = ()) -> list[bytes]:
    left = _OF_A_CONNECTION.union(also)
    for name, value in pairs:
        if name.lower() == b"connection":
            left = left.union(word.strip().lower() for word in value.split(b","))
    return [name + b": " + value for name, value in pairs if name.lower() not in left]
