"""Write an answer: the contract's headers, the worker's own, and the body whole or in pieces."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from typing import Any

from .identity import OWN
from .job import Job, Reply

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
FAILED = b"x-ms-run-function-failed"


async def write(send: Send, reply: Reply, extra: Headers, job: Job | None) -> int:
    """Send the answer; returns the size of its body.

    Raises:
        ConnectionAbortedError: The worker broke off; the connection is closed unfinished.
        ConnectionResetError: The client is gone.
    """
    try:
        return await _write(send, reply, _headers(reply, job) + extra)
    except RuntimeError as error:
        if "is closed" in str(error):  # uvloop's words for writing to a connection that is gone
            raise ConnectionResetError("a client went away before its answer") from error
        raise


async def _write(send: Send, reply: Reply, headers: Headers) -> int:
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.parts is None:
        await send({"type": "http.response.body", "body": reply.body})
        return len(reply.body)
    size = 0
    async for part in reply.parts:
        size += len(part)
        await send({"type": "http.response.body", "body": part, "more_body": True})
    if reply.parts.broken:
        raise ConnectionAbortedError("the worker broke off a streamed answer")
    await send({"type": "http.response.body", "body": b""})
    return size


def _headers(reply: Reply, job: Job | None) -> Headers:
    headers = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in reply.headers
        if name.lower() not in OWN
    ]
    headers.append((b"date", _date()))
    if reply.parts is None:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    if reply.status == 413:
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    if job is None:
        return headers
    headers.append((b"x-pilothouse-queue-ms", b"%.3f" % job.queue_ms))
    if reply.run_ms is not None:
        headers.append((b"x-ms-run-fn-exec-ms", b"%.3f" % reply.run_ms))
    if reply.status >= 500 and not reply.rejected:
        headers = [pair for pair in headers if pair[0].lower() != FAILED]
        headers.append((FAILED, b"True"))
    return headers


class _Now:
    second = 0
    text = b""


def _date() -> bytes:
    """The Date header, made once a second."""
    second = int(time.time())
    if second != _Now.second:
        _Now.second, _Now.text = second, formatdate(second, usegmt=True).encode()
    return _Now.text
