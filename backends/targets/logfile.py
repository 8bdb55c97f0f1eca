r"""A file of lines that is rotated by size: read exactly once, in order, from either end.

`service.log` is the newest file, `service.log.1` the one before, and so on. A line is bytes up
to `\n` and nothing else: other line separators are part of the text. A reader keeps the file it
reads open, so rotation renames it away without taking its rest.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

_BLOCK = 256 * 1024


class LogReader:
    """Complete lines of a rotated log, oldest first; a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def newest_first(self) -> Iterator[bytes]:
        """Lines that are there now, newest first; `read` then goes on after the newest."""
        self._move(_open(self._path))
        if self._file is None:
            return
        end = _complete_end(self._file)
        self._file.seek(end)
        seen = {_inode(self._file)}
        yield from _backwards(self._file, end)
        for older in _generations(self._path)[1:]:
            file = _open(older)
            if file is None:
                return
            with file:
                if _inode(file) not in seen:
                    seen.add(_inode(file))
                    yield from _backwards(file, os.fstat(file.fileno()).st_size)

    def rewind(self) -> None:
        """Go back to the oldest line that is kept."""
        self._move(_open(_generations(self._path)[-1]))

    def read(self) -> list[bytes]:
        """The next lines, about a quarter of a megabyte at most; none when there are no more."""
        if self._file is None:
            self.rewind()
        while self._file is not None:
            block = self._file.read(_BLOCK)
            if block:
                *lines, self._rest = (self._rest + block).split(b"\n")
                if lines:
                    return [line for line in lines if line]
            elif not self._advance():
                return []
        return []

    def _advance(self) -> bool:
        """Go to the next newer file if ours was rotated away; True if there may be more to read."""
        assert self._file is not None
        ours = _inode(self._file)
        if _inode_of(self._path) in {None, ours}:
            return False
        if os.fstat(self._file.fileno()).st_size > self._file.tell():
            return True
        generations = _generations(self._path)
        inodes = [_inode_of(path) for path in generations]
        place = inodes.index(ours) if ours in inodes else len(inodes)
        successor = _open(generations[place - 1])
        if successor is None:
            return True
        if _inode(successor) != inodes[place - 1]:  # rotated once more while we looked
            successor.close()
            return True
        self._move(successor)
        return True

    def _move(self, file: BinaryIO | None) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._rest = file, b""


def _backwards(file: BinaryIO, end: int) -> Iterator[bytes]:
    carry = b""
    while end > 0:
        start = max(0, end - _BLOCK)
        carry, *lines = (os.pread(file.fileno(), end - start, start) + carry).split(b"\n")
        yield from (line for line in reversed(lines) if line)
        end = start
    if carry:
        yield carry


def _complete_end(file: BinaryIO) -> int:
    """Where the last complete line ends."""
    end = os.fstat(file.fileno()).st_size
    while end > 0:
        start = max(0, end - _BLOCK)
        newline = os.pread(file.fileno(), end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _generations(path: Path) -> list[Path]:
    """The newest file first, then the rotated ones that exist."""
    found = [path]
    while (older := path.with_name(f"{path.name}.{len(found)}")).exists():
        found.append(older)
    return found


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _inode(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_ino


def _inode_of(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
