"""An answer as bytes: status line, the contract's headers, the worker's own, body or chunks."""

import re
import time
from email.utils import formatdate
from http import HTTPStatus

from .identity import OWN
from .job import JSON_TYPE, Reply
from .request import Request

FAILED = "x-ms-run-function-failed"
JSON_LINE = b"content-type: application/json\r\n"
FINE_LINES = JSON_LINE + b"x-ms-run-function-failed: False\r\n"
"""What azureml-inference-server-http puts on every JSON answer that is not about a failed run()."""
CLOSE = b"connection: close\r\n"
STATUS = {
    code: b"HTTP/1.1 %d %b\r\n" % (code, name.encode())
    for code, name in {
        **dict.fromkeys(range(200, 600), "Status"),
        **{status.value: status.phrase for status in HTTPStatus if status >= 200},
    }.items()
}
"""Status lines; 1xx is no answer."""
RUN_FAILED = ("", "timeout")
"""Why an answer is about run() itself, by `Reply.rejected`."""
BODILESS = (204, 304)
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def whole(request: Request, reply: Reply, lines: bytes) -> bytes:
    """Head and body of an answer that is complete; `lines` are further header lines."""
    body = reply.body
    if reply.status in BODILESS:
        return _head(request, reply, lines)
    head = _head(request, reply, b"content-length: %d\r\n%b" % (len(body), lines))
    return head if request.method == "HEAD" else head + body


def start(request: Request, reply: Reply, lines: bytes) -> bytes:
    """The head of an answer in parts; a 1.0 client reads them until the connection ends."""
    if request.modern and reply.status not in BODILESS:
        lines = b"transfer-encoding: chunked\r\n" + lines
    return _head(request, reply, lines)


def part(request: Request, reply: Reply, piece: bytes) -> bytes:
    """A piece of the body."""
    if not piece or request.method == "HEAD" or reply.status in BODILESS:
        return b""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if request.modern else piece


def end(request: Request, reply: Reply) -> bytes:
    """What ends a body in parts."""
    chunked = request.modern and request.method != "HEAD" and reply.status not in BODILESS
    return b"0\r\n\r\n" if chunked else b""


def _head(request: Request, reply: Reply, lines: bytes) -> bytes:
    if reply.headers is JSON_TYPE:
        own = JSON_LINE if reply.status >= 500 else FINE_LINES
    else:
        own = _own(reply)
    if request.job is not None:
        own += _timing(reply, request.job.queue_ms)
    if not request.keep_alive:
        lines += CLOSE
    return b"%b%bdate: %b\r\n%b\r\n" % (STATUS[reply.status], own, _date(), lines)


def _timing(reply: Reply, queue_ms: float) -> bytes:
    if reply.run_ms is None:
        found = b"x-pilothouse-queue-ms: %.3f\r\n" % queue_ms
    else:
        found = b"x-pilothouse-queue-ms: %.3f\r\nx-ms-run-fn-exec-ms: %.3f\r\n" % (
            queue_ms,
            reply.run_ms,
        )
    if reply.status >= 500 and reply.rejected in RUN_FAILED:
        found += b"x-ms-run-function-failed: True\r\n"
    return found


def _own(reply: Reply) -> bytes:
    """The answer's own headers, without those that are ours to set."""
    failed = reply.status >= 500 and reply.rejected in RUN_FAILED
    found = []
    for name, value in reply.headers:
        if name.lower() in OWN or (failed and name.lower() == FAILED):
            continue
        line = f"{name}: {value}".encode("latin-1", "replace")
        if _FORBIDDEN.search(line):
            raise ValueError(f"{line!r} cannot be a header")
        found.append(line + b"\r\n")
    return b"".join(found)


class _Now:
    second = 0
    text = b""


def _date() -> bytes:
    """The Date header, made once a second."""
    second = int(time.time())
    if second != _Now.second:
        _Now.second, _Now.text = second, formatdate(second, usegmt=True).encode()
    return _Now.text
