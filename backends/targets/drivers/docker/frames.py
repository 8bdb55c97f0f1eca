"""The engine's stream framing: which bytes came from which of a container's outputs.

Docker Engine API 1.41, "Stream format": without a terminal every piece has a header of 8 bytes,
the output's number, three zero bytes and the length, big-endian; then so many bytes follow.
"""

from collections.abc import Iterator

from backends.targets.records import Stream

LONGEST = 16 << 20
"""Bytes of the longest piece that is taken for one; engines send 16 KiB and a timestamp."""
_HEADER = 8
_STREAMS = {0: Stream.STDOUT, 1: Stream.STDOUT, 2: Stream.STDERR, 3: Stream.STDERR}


class BrokenFrame(ValueError):
    """The bytes are not the engine's framing."""


class FrameReader:
    """Pieces out of bytes that are cut anywhere."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Stream, bytes]]:
        """The pieces that these bytes complete.

        Raises:
            BrokenFrame: a header is none, or names more than `LONGEST`.
        """
        self._rest += data
        start = 0
        try:
            while len(self._rest) - start >= _HEADER:
                stream, length = _header(self._rest[start : start + _HEADER])
                end = start + _HEADER + length
                if end > len(self._rest):
                    return
                yield stream, bytes(self._rest[start + _HEADER : end])
                start = end
        finally:
            del self._rest[:start]


def _header(data: bytearray) -> tuple[Stream, int]:
    stream = _STREAMS.get(data[0])
    length = int.from_bytes(data[4:])
    if stream is None or any(data[1:4]) or length > LONGEST:
        raise BrokenFrame(f"no header of a piece: {bytes(data)!r}")
    return stream, length
