r"""Whole lines out of a container's log: pieces framed as Docker Engine API 1.41 says.

Each piece has a header of 8 bytes: output, three zeros, length (big-endian); both outputs are
taken as one here. What a program draws over (`\r`) counts as drawn last.
"""

import re
from collections.abc import Iterator

_HEADER = 8
_LONGEST = 64 << 10
_UNPRINTED = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]"
)


class LogLines:
    """Feed it bytes cut anywhere; it gives lines without their end."""

    def __init__(self) -> None:
        self._framed = b""
        self._open = {1: b"", 2: b""}

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that these bytes complete."""
        self._framed += data
        while len(self._framed) >= _HEADER:
            end = _HEADER + int.from_bytes(self._framed[4:_HEADER])
            if len(self._framed) < end:
                return
            output = 2 if self._framed[0] == 2 else 1
            whole = self._open[output] + self._framed[_HEADER:end]
            self._framed = self._framed[end:]
            *lines, self._open[output] = whole.split(b"\n")
            if len(self._open[output]) > _LONGEST:
                lines, self._open[output] = [*lines, self._open[output]], b""
            yield from (readable(line) for line in lines)

    def rest(self) -> Iterator[str]:
        """What stands without an end when there will be no more."""
        yield from (readable(line) for line in self._open.values() if line)
        self._open = {1: b"", 2: b""}


def readable(line: bytes | str) -> str:
    """A line as text, without what only a terminal would follow."""
    text = line.decode("utf-8", errors="replace") if isinstance(line, bytes) else line
    return _UNPRINTED.sub("", text.rstrip("\r").rpartition("\r")[2]).rstrip()
