"""Frames between the supervisor and a worker: one byte of kind, two lengths, JSON meta, raw body.

Both sides import this module; the worker's oldest interpreter is CPython 3.6.
"""

import json
import os
import struct
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any, List, Optional, Sequence, Tuple

HEADER = struct.Struct("!BII")

CONFIG = 1
"""Supervisor to worker, first of all: what to load."""
PHASE = 2
"""Worker to supervisor: `importing`, `init`."""
READY = 3
"""Worker to supervisor: how it is called and its schemas."""
FAILED = 4
"""Worker to supervisor: stage and traceback of a start that failed; the worker ends."""
REQUEST = 5
"""Supervisor to worker: `[id, method, target, content type, accept, headers or null]`, body.

A seventh value, where it is there, is an object of variables: the caller's trace context."""
ANSWER = 6
"""Worker to supervisor: `[status, run milliseconds or null, headers or null, more]` and the body;
without headers it is JSON."""
PART = 7
"""Worker to supervisor: `[more]` and the next piece of an answer's body."""
STOP = 8
"""Supervisor to worker: end after what is being done."""

COLLECT = 9
"""Worker to supervisor: `[model, version, designation, header line, row count]` and CSV rows."""

BATCH = 10
"""Supervisor to worker: so many requests follow, to be run in one call."""

_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode
_quote = json.encoder.encode_basestring_ascii


def head(kind: int, meta: "Any", body_length: int) -> bytes:
    """Everything of a frame but its body."""
    return _head(kind, _encode(meta), body_length)


def request_head(
    values: "Sequence[str]", headers: "Optional[List[Any]]", trace: "Any", body_length: int
) -> bytes:
    """The same of a request; the usual one is written without the slower encoder."""
    if headers is None and trace is None:
        return _head(REQUEST, "[" + ",".join(map(_quote, values)) + ",null]", body_length)
    meta = [*values, headers]  # type: List[Any]
    return head(REQUEST, meta if trace is None else [*meta, trace], body_length)


def answer_head(
    status: int,
    run_ms: "Optional[float]",
    headers: "Optional[List[List[str]]]",
    more: bool,
    body_length: int,
) -> bytes:
    """The same of an answer."""
    if headers is None and type(run_ms) is float and not more:
        return _head(ANSWER, "[%d,%r,null,false]" % (status, run_ms), body_length)
    return head(ANSWER, [status, run_ms, headers, more], body_length)


def _head(kind: int, meta: str, body_length: int) -> bytes:
    return HEADER.pack(kind, len(meta), body_length) + meta.encode("ascii")


def decode_meta(text: bytes) -> "Any":
    """The meta of a frame."""
    return _decode(text.decode("ascii"))[0]


class Channel:
    """The worker's blocking end."""

    def __init__(self, connection: "socket.socket") -> None:
        self._socket = connection
        self._file = connection.makefile("rb", buffering=65536)
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def receive(self) -> "Optional[Tuple[int, Any, bytes]]":
        """The next frame; None when the other end is gone."""
        start = self._file.read(HEADER.size)
        if len(start) < HEADER.size:
            return None
        kind, meta_length, body_length = HEADER.unpack(start)
        rest = self._file.read(meta_length + body_length)
        if len(rest) < meta_length + body_length:
            return None
        return kind, decode_meta(rest[:meta_length]), rest[meta_length:]

    def send(self, kind: int, meta: "Any", body: bytes = b"") -> None:
        """Write one frame, from any thread."""
        self.write(head(kind, meta, len(body)), body)

    def write(self, start: bytes, body: bytes) -> None:
        """Write one frame whose head is made already; ends a child that run() let come back."""
        if os.getpid() != self._owner:
            os._exit(0)
        with self._lock:
            if len(body) < 65536:
                self._socket.sendall(start + body)
            else:
                self._socket.sendall(start)
                self._socket.sendall(body)
