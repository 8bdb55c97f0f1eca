"""Raw request bodies and answers over a connection of their own, read by a thread of their own.

The thread stops reading when nobody takes what it has read (the engine then waits), and ends when
its socket is closed.
"""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO

from backends.engines.dialing import dial
from backends.engines.failures import Answered
from backends.engines.records import EngineAddress

_PIECE = 256 << 10
_BUFFER = 2 << 20
"""Bytes read ahead of whoever takes them."""
_LONGEST_ERROR = 64 << 10

Data = bytes | IO[bytes] | Iterable[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """One request whose answer is read as it comes."""

    method: str
    path: str
    """With its query."""
    data: Data | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    quiet_seconds: float | None = None
    """Longest silence before the connection counts as cut; None waits for ever."""


class Broken(Exception):
    """The body ended before its end; the cause says why."""


class Connection(http.client.HTTPConnection):
    """HTTP over the engine's socket, with TCP keepalive, closed from any thread."""

    def __init__(self, address: EngineAddress, timeout: float | None) -> None:
        super().__init__("docker", timeout=timeout)
        self._address = address
        self._quiet = timeout
        self._given_up = False
        self._wire: socket.socket | None = None
        """The socket, which an answer of unknown length takes away from `sock`."""

    def connect(self) -> None:
        """Connect as the address says."""
        self.sock = self._wire = dial(self._address)
        self.sock.settimeout(self._quiet)
        if self._given_up:  # while it was being connected
            raise ConnectionAbortedError("closed")

    def shut(self) -> None:
        """Wake whoever reads or writes; they find the connection ended."""
        self._given_up = True
        if self._wire is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)


class BodyReader:
    """The answer's body in pieces, for one asynchronous reader."""

    def __init__(self, address: EngineAddress, request: RawRequest) -> None:
        self._request = request
        self._connection = Connection(address, request.quiet_seconds)
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._room = threading.Condition()
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        self._closed = self._finished = False
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name=f"docker {request.path}", daemon=True).start()

    async def next(self) -> bytes:
        """What has arrived since; empty at a clean end.

        Raises:
            Answered: the engine refused.
            Broken: the connection was cut or too silent.
            OSError: it could not be made.
        """
        while True:
            await self._arrived.wait()
            with self._room:
                self._arrived.clear()
                piece = b"".join(self._pieces)
                self._pieces.clear()
                self._waiting_bytes = 0
                self._room.notify()
                if not piece and self._finished:
                    self._arrived.set()
                    if self._error is not None:
                        raise self._error
                    return b""
                if self._finished:
                    self._arrived.set()
            if piece:
                return piece

    def close(self) -> None:
        """Close the socket, which ends the thread."""
        with self._room:
            self._closed = True
            self._room.notify()
        self._connection.shut()

    # The thread

    def _run(self) -> None:
        try:
            self._exchange()
        except BaseException as error:  # the reader raises it
            self._error = error
        finally:
            self._connection.close()
            self._finished = True
            self._tell()

    def _exchange(self) -> None:
        request = self._request
        self._connection.request(
            request.method, request.path, body=request.data, headers=dict(request.headers)
        )
        response = self._connection.getresponse()
        if response.status >= http.client.BAD_REQUEST:
            text = response.read(_LONGEST_ERROR).decode("utf-8", errors="replace")
            raise Answered(response.status, error_text(text))
        self._read(response)

    def _read(self, response: http.client.HTTPResponse) -> None:
        try:
            while piece := response.read1(_PIECE):
                if not self._put(piece):
                    return
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise Broken("the connection was cut") from error
        if response.length:
            raise Broken("the connection was cut") from http.client.IncompleteRead(b"")

    def _put(self, piece: bytes) -> bool:
        with self._room:
            while self._waiting_bytes > _BUFFER and not self._closed:
                self._room.wait()
            if self._closed:
                return False
            self._pieces.append(piece)
            self._waiting_bytes += len(piece)
        self._tell()
        return True

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the reader
            self._loop.call_soon_threadsafe(self._arrived.set)


def error_text(body: str) -> str:
    """The `message` of the engine's error object, or the body as it is."""
    with contextlib.suppress(ValueError):
        data = json.loads(body)
        if isinstance(data, dict) and isinstance(data.get("message"), str):
            return str(data["message"])
    return body
