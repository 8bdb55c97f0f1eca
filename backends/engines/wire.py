"""A connection that the engine gives over after `Upgrade: tcp`: raw bytes both ways.

One thread does all reading and writing, so that TLS is never used by two at once; it ends when the
wire is closed.
"""

import asyncio
import contextlib
import selectors
import socket
import ssl
import threading

from backends.engines.bodies import error_text
from backends.engines.dialing import dial
from backends.engines.failures import Answered
from backends.engines.records import EngineAddress

_PIECE = 64 << 10
_BUFFER = 1 << 20
"""Bytes read ahead of whoever takes them."""
_HEAD = 64 << 10
_HANDSHAKE_SECONDS = 15.0
_SWITCHED = (101, 200)
"""Both mean that the connection is ours now; engines before 1.9 said 200."""

Opened = tuple[socket.socket, bytes]
"""A connection, and what it brought with the answer's head."""


def upgrade(address: EngineAddress, path: str, body: bytes) -> Opened:
    """Ask for a connection (blocking).

    Args:
        address: Of scheme `unix` or `tcp`.
        path: With its version and query.
        body: JSON.

    Raises:
        Answered: the engine refused.
        OSError: it could not be reached.
    """
    sock = dial(address)
    try:
        sock.settimeout(_HANDSHAKE_SECONDS)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
            f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        sock.sendall(head.encode() + body)
        return sock, _switched(sock)
    except BaseException:
        sock.close()
        raise


def _switched(sock: socket.socket) -> bytes:
    """What follows the head of the answer, when that is a yes."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _HEAD:
        if not (piece := sock.recv(_PIECE)):
            raise ConnectionResetError("the engine ended the connection")
        data += piece
    said, _, rest = data.partition(b"\r\n\r\n")
    status = int(said[9:12]) if said[9:12].isdigit() else 0
    if status not in _SWITCHED:
        raise Answered(status, error_text(_rest_of_error(sock, rest)))
    return rest


def _rest_of_error(sock: socket.socket, data: bytes) -> str:
    sock.settimeout(1.0)
    with contextlib.suppress(OSError):
        while not data.rstrip().endswith(b"}") and (piece := sock.recv(_PIECE)):
            data += piece
    start, end = data.find(b"{"), data.rfind(b"}")
    return (data[start : end + 1] if start >= 0 else data).decode("utf-8", errors="replace")


class Wire:
    """The open connection, for one asynchronous reader and writer."""

    def __init__(self, opened: Opened) -> None:
        self._sock, first = opened
        self._sock.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._lock = threading.Lock()
        self._in, self._out = bytearray(first), bytearray()
        self._ended = self._closed = False
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        if first:
            self._arrived.set()
        threading.Thread(target=self._run, name="docker wire", daemon=True).start()

    async def read(self) -> bytes:
        """What has arrived since; empty once the connection has ended."""
        while True:
            await self._arrived.wait()
            with self._lock:
                data = bytes(self._in)
                self._in.clear()
                if not self._ended:
                    self._arrived.clear()
                if data or self._ended:
                    break
        self._ring()
        return data

    def write(self, data: bytes) -> None:
        """Send, as soon as the engine takes it; nothing once the connection has ended."""
        with self._lock:
            self._out += data
        self._ring()

    def close(self) -> None:
        """End the connection, and with it the thread."""
        self._closed = True
        self._ring()

    # The thread

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._bell, selectors.EVENT_READ)
                selector.register(self._sock, selectors.EVENT_READ)
                while not self._closed and self._turn(selector):
                    pass
        except OSError:
            pass  # the connection was cut, which is its end
        finally:
            self._sock.close()
            self._bell.close()
            self._rope.close()
            with self._lock:
                self._ended = True
            self._tell()

    def _turn(self, selector: selectors.BaseSelector) -> bool:
        """Wait, then read and write what can be; False at the end."""
        with self._lock:
            full, waiting = len(self._in) > _BUFFER, bool(self._out)
        wanted = (0 if full else selectors.EVENT_READ) | (selectors.EVENT_WRITE if waiting else 0)
        for key in list(selector.get_map().values()):
            if key.fileobj is self._sock:
                selector.unregister(self._sock)
        if wanted:
            selector.register(self._sock, wanted)
        ready = {key.fileobj: events for key, events in selector.select()}
        if self._bell in ready:
            with contextlib.suppress(BlockingIOError):
                self._bell.recv(_PIECE)
        events = ready.get(self._sock, 0)
        if events & selectors.EVENT_WRITE:
            self._send()
        return not events & selectors.EVENT_READ or self._receive()

    def _receive(self) -> bool:
        while True:
            try:
                piece = self._sock.recv(_PIECE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return True
            if not piece:
                return False
            with self._lock:
                self._in += piece
                full = len(self._in) > _BUFFER
            self._tell()
            if full:
                return True

    def _send(self) -> None:
        with self._lock:
            piece = bytes(self._out[:_PIECE])
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent = self._sock.send(piece)
            with self._lock:
                del self._out[:sent]

    def _ring(self) -> None:
        with contextlib.suppress(OSError):
            self._rope.send(b".")

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the reader
            self._loop.call_soon_threadsafe(self._arrived.set)
