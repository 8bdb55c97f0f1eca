"""The supervisor's end of a worker's socketpair: frames in, frames out, never blocking."""

import asyncio
from typing import Any, Protocol, cast

from backends.scoring.worker import wire

HEADER = wire.HEADER


class Receiver(Protocol):
    """Who is told about a worker's frames."""

    def frame(self, kind: int, meta: Any, body: bytes) -> None:
        """One frame arrived."""

    def settled(self) -> None:
        """Every frame that arrived together has been told."""

    def garbled(self, error: Exception) -> None:
        """The bytes are no frames, or not those that were due."""

    def lost(self) -> None:
        """The worker closed its end, mostly by dying."""


class Link(asyncio.Protocol):
    """Takes frames apart as bytes arrive."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = bytearray()
        self._frames: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for writing."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by behaviour only

    def data_received(self, data: bytes) -> None:
        """Hand over every whole frame; one that arrives in one piece is not buffered."""
        try:
            if self._buffer:
                self._buffer += data
                used = self._take(self._buffer)
                del self._buffer[:used]
            else:
                used = self._take(data)
                if used < len(data):
                    self._buffer += memoryview(data)[used:]
            self._receiver.settled()
        except Exception as error:  # the border: told of, and the worker that wrote it ends
            self._receiver.garbled(error)

    def _take(self, data: bytes | bytearray) -> int:
        start, size = 0, len(data)
        while size - start >= HEADER.size:
            kind, meta_length, body_length = HEADER.unpack_from(data, start)
            body = start + HEADER.size + meta_length
            end = body + body_length
            if end > size:
                break
            meta = wire.decode_meta(bytes(data[start + HEADER.size : body]))
            self._receiver.frame(kind, meta, bytes(data[body:end]))
            start = end
        return start

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver once."""
        del exc
        self._transport = None
        self._receiver.lost()

    def put(self, head: bytes, body: bytes) -> None:
        """Add a frame to those that the next `flush` writes."""
        self._frames.append(head)
        self._frames.append(body)

    def flush(self) -> None:
        """Write what was put, together; nothing happens when the worker is gone."""
        frames, self._frames = self._frames, []
        if self._transport is not None:
            self._transport.write(b"".join(frames))

    def send(self, kind: int, meta: Any, body: bytes = b"") -> None:
        """Write one frame."""
        self.put(wire.head(kind, meta, len(body)), body)
        self.flush()

    def pause(self) -> None:
        """Stop reading until `resume`."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close this end; the worker ends when it reads."""
        if self._transport is not None:
            self._transport.close()
