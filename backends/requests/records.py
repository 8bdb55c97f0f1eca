"""A scoring request and its answer."""

from collections.abc import Mapping

from msgspec import Struct, field


class Request(Struct, frozen=True, kw_only=True):
    """What is sent; the key is added at sending and never stored."""

    service: str
    url: str
    body: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 70.0
    """Seconds for the whole call."""


class Timing(Struct, frozen=True, kw_only=True):
    """Milliseconds of each part; None when the part is not known."""

    total: float
    connect: float | None = None
    wait: float | None = None
    """From the last byte sent to the first byte received."""
    read: float | None = None
    queue: float | None = None
    """In the server, before `run()`; from its `x-pilothouse-queue-ms` header."""
    run: float | None = None
    """Inside `run()`; from `x-ms-run-fn-exec-ms`."""


class Answer(Struct, frozen=True, kw_only=True):
    """Any HTTP answer, of whatever status."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timing: Timing
    request_id: str
    at: float
    """When it was sent, seconds since the epoch."""
