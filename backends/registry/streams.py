"""Bytes of a file, plain or compressed, read forwards within bounds.

What a hostile file unpacks to is never held whole: large pieces are passed over, and the whole
ends at a limit.
"""

import bz2
import io
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, cast

MAX_UNPACKED = 1 << 30
"""Bytes of one compressed stream."""
MAX_LINE = 1 << 20
MAX_HELD = 1 << 16
"""Longer pieces are passed over: nothing that is looked for is that long."""
CHUNK = 1 << 18
LZMA_MEMORY = 1 << 28
MAGIC_BYTES = 8


class Unreadable(ValueError):
    """The bytes end early, are broken, or go beyond a limit; the text says which."""


class _Passed(bytes):
    """Stands for bytes that were passed over: it has their length and nothing else."""

    length = 0

    def __len__(self) -> int:
        return self.length


class Reader:
    """What a scan reads from: file-like as far as `pickletools.genops` asks."""

    def __init__(self, file: BinaryIO, limit: int = sys.maxsize) -> None:
        self._file = file
        self._left = limit

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes; more than `MAX_HELD` are passed over."""
        if count > MAX_HELD:
            self.skip(count)
            passed = _Passed()
            passed.length = count
            return passed
        data = self._file.read(count)
        self._left -= count
        if len(data) != count or self._left < 0:
            raise Unreadable("it ends early" if self._left >= 0 else "it is too large")
        return data

    def readline(self) -> bytes:
        """Up to and with the next newline."""
        line = self._file.readline(MAX_LINE)
        self._left -= len(line)
        if not line.endswith(b"\n") or self._left < 0:
            raise Unreadable("a line does not end")
        return line

    def skip(self, count: int) -> None:
        """Pass over `count` bytes."""
        if count > self._left:
            raise Unreadable("it is too large")
        if self._file.seekable():
            self._file.seek(count - 1, 1)
            self._left -= count - 1
            count = 1
        while count:
            count -= len(self.read(min(count, MAX_HELD)))


class _Unpacker(Protocol):
    """What bz2 and lzma give for one stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Zlib:
    """zlib's and gzip's streams in the shape of the others."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


class _Unpacked(io.RawIOBase):
    """A compressed stream as plain bytes, unpacked as it is read."""

    def __init__(self, file: BinaryIO, unpacker: _Unpacker) -> None:
        self._file = file
        self._unpacker = unpacker

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill some of `buffer`; 0 at the end."""
        view = memoryview(buffer).cast("B")
        while not self._unpacker.eof:
            packed = self._file.read(CHUNK) if self._unpacker.needs_input else b""
            more = bool(packed) or not self._unpacker.needs_input
            try:
                data = self._unpacker.decompress(packed, len(view))
            except (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError) as error:
                raise Unreadable(f"its compression is broken: {error}") from error
            if data or not more:
                view[: len(data)] = data
                return len(data)
        return 0


_UNPACKERS: tuple[tuple[bytes, Callable[[], _Unpacker]], ...] = (
    (b"\x1f\x8b", _Zlib),
    (b"\x78\x01", _Zlib),
    (b"\x78\x5e", _Zlib),
    (b"\x78\x9c", _Zlib),
    (b"\x78\xda", _Zlib),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(memlimit=LZMA_MEMORY)),
    (b"\x5d\x00\x00", lambda: lzma.LZMADecompressor(memlimit=LZMA_MEMORY)),
)
"""First bytes of gzip, zlib, bzip2, xz and lzma files, as joblib writes them."""
LZ4 = b"\x04\x22\x4d\x18"


def is_packed(magic: bytes) -> bool:
    """Whether a file that begins like this is compressed as a whole."""
    return magic.startswith((LZ4, *(prefix for prefix, _ in _UNPACKERS)))


def open_reader(file: BinaryIO) -> Reader:
    """A reader from the beginning of an open file, unpacked where it is compressed.

    Raises:
        Unreadable: it is compressed in a way that is not looked into.
    """
    file.seek(0)
    magic = file.read(MAGIC_BYTES)
    file.seek(0)
    if magic.startswith(LZ4):
        raise Unreadable("lz4 is not looked into")
    for prefix, unpacker in _UNPACKERS:
        if magic.startswith(prefix):
            unpacked = cast("BinaryIO", io.BufferedReader(_Unpacked(file, unpacker()), CHUNK))
            return Reader(unpacked, MAX_UNPACKED)
    return Reader(file)
