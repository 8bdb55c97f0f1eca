r"""A container's log lines out of the bytes of `GET /containers/{id}/logs?timestamps=1`.

The engine stamps each piece that it keeps, and cuts lines into pieces of 16 KiB: all pieces of
a line have the same stamp, and only the last ends in `\n`. A line is bytes up to `\n` and nothing
else. With a terminal there is no framing, and one output only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from backends.targets.drivers.docker.frames import FrameReader
from backends.targets.records import Stream
from backends.targets.stamps import SECOND, split_stamp, stamp_ns

LONGEST_LINE = 1 << 20
"""Bytes kept of a line; how many more there were stands at its end."""
_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One line as the engine keeps it."""

    stamp: int
    """Nanoseconds since the epoch, by the engine's clock."""
    stream: Stream
    text: bytes
    """Without the line end."""


class Entries:
    """Lines out of bytes that are cut anywhere."""

    def __init__(self, *, terminal: bool) -> None:
        self.pieces = 0
        """How many of the engine's pieces were read."""
        self._terminal = terminal
        self._frames = FrameReader()
        self._open: dict[Stream, _Line] = {}
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Entry]:
        """The lines that these bytes complete.

        Raises:
            BrokenFrame: they are not the engine's framing.
        """
        if self._terminal:
            yield from self._raw(data)
            return
        for stream, piece in self._frames.feed(data):
            self.pieces += 1
            yield from self._piece(stream, piece)

    def end(self) -> Iterator[Entry]:
        """What stands without a line end when there will be no more."""
        for line in self._open.values():
            yield line.entry()
        self._open.clear()
        if self._rest:
            yield _unstamped(self._rest)
            self._rest = b""

    def _piece(self, stream: Stream, piece: bytes) -> Iterator[Entry]:
        prefix, content = split_stamp(piece)
        line = self._open.get(stream)
        if line is not None and line.prefix != prefix:
            yield line.entry()  # its container was ended in the middle of it
            line = None
        line = line or _Line(stream, prefix)
        *whole, rest = content.split(b"\n")
        for text in whole:
            line.add(text)
            yield line.entry()
            line = _Line(stream, prefix)
        line.add(rest)
        if rest or not whole:
            self._open[stream] = line
        else:
            self._open.pop(stream, None)

    def _raw(self, data: bytes) -> Iterator[Entry]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self.pieces += 1
            yield _unstamped(line.removesuffix(b"\r"))
        if len(self._rest) > 2 * LONGEST_LINE:
            yield _unstamped(self._rest)
            self._rest = b""


class _Line:
    """A line whose pieces come one after the other."""

    __slots__ = ("_kept", "_left_out", "_pieces", "prefix", "stream")

    def __init__(self, stream: Stream, prefix: bytes) -> None:
        self.stream = stream
        self.prefix = prefix
        self._pieces: list[bytes] = []
        self._kept = self._left_out = 0

    def add(self, piece: bytes) -> None:
        room = LONGEST_LINE - self._kept
        self._pieces.append(piece[:room])
        self._kept += min(room, len(piece))
        self._left_out += max(0, len(piece) - room)

    def entry(self) -> Entry:
        if self._left_out:
            self._pieces.append(f"… ({self._left_out} bytes more)".encode())
        return Entry(stamp_ns(self.prefix), self.stream, b"".join(self._pieces))


def since_text(stamp: int) -> str:
    """A time as the engine's `since` takes it without losing a digit."""
    return f"{stamp // SECOND}.{stamp % SECOND:09d}"


def _unstamped(line: bytes) -> Entry:
    """A terminal's line: its pieces stand together, a stamp before each."""
    prefix, content = split_stamp(line)
    joined = _Line(Stream.STDOUT, prefix)
    while prefix and content[_PIECE:].startswith(prefix):
        joined.add(content[:_PIECE])
        content = content[_PIECE + len(prefix) :]
    joined.add(content)
    return joined.entry()
