"""A request's ids: taken from the caller or made, limited in length, and put on every answer."""

import os
from dataclasses import dataclass

from .job import Reply

LONGEST = 100
TOO_LONG = "x-request-id must not exceed 100 characters"
CLIENT_TOO_LONG = "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"

OWN = frozenset(
    {
        "content-length",
        "transfer-encoding",
        "connection",
        "x-request-id",
        "x-ms-request-id",
        "x-ms-client-request-id",
        "traceid",
        "x-ms-run-fn-exec-ms",
        "x-pilothouse-queue-ms",
    }
)
"""Headers that a script's own response cannot set."""


@dataclass(slots=True)
class Identity:
    """The ids of one request."""

    request_id: str
    lines: bytes
    """Header lines of the answer."""
    problem: Reply | None
    legacy: bool
    """The caller used `x-ms-request-id`, which is deprecated."""


def identify(headers: dict[bytes, bytes]) -> Identity:
    """Read or make the ids of a request."""
    problem = None
    given = headers.get(b"x-request-id", b"")
    if len(given) > LONGEST:
        problem, given = Reply.problem(431, TOO_LONG), b""
    legacy = headers.get(b"x-ms-request-id", b"")
    client = headers.get(b"x-ms-client-request-id", b"")
    if len(legacy) > LONGEST or len(client) > LONGEST:
        problem = problem or Reply.problem(431, CLIENT_TOO_LONG)
        legacy = legacy if len(legacy) <= LONGEST else b""
        client = client if len(client) <= LONGEST else b""
    rid = given or _fresh()
    client = client or legacy
    lines = b"x-request-id: %b\r\nx-ms-request-id: %b\r\n" % (rid, legacy or client or rid)
    if client:
        lines += b"x-ms-client-request-id: %b\r\n" % client
    trace = headers.get(b"traceid")
    if trace:
        lines += b"TraceId: %b\r\n" % trace
    return Identity(rid.decode("latin-1"), lines, problem, bool(legacy))


_random: list[str] = []


def _fresh() -> bytes:
    """A random UUID (version 4, RFC 9562)."""
    if not _random:
        text = os.urandom(16 * 256).hex()  # one system call for many
        _random.extend(text[start : start + 32] for start in range(0, len(text), 32))
    h = _random.pop()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}".encode()
