"""Which lines of one instance have been read, so that reading goes on exactly there.

Stamps are not unique and not in order between outputs, so reading starts again some time before
the newest one, and what was read already is left out, as often as it was read.
"""

from collections import Counter, deque
from collections.abc import Hashable

OVERLAP = 2_000_000_000
"""Nanoseconds that are read again."""
_LEAST = 20_000_000
"""The same, when the connection breaks before so much is read: still more than stamps of two
outputs are out of order."""


class Cursor:
    """Remembers the lines of the last `OVERLAP`.

    Args:
        since: Where to begin, nanoseconds since the epoch.
    """

    def __init__(self, since: int = 0) -> None:
        self._begin = since
        self._newest = 0
        self._overlap = OVERLAP
        self._progress = True
        self._window: deque[tuple[int, Hashable]] = deque()
        self._repeated: Counter[tuple[int, Hashable]] = Counter()
        self._last: tuple[int, Hashable] | None = None
        self._awaited: tuple[int, Hashable] | None = None
        self.lost = False
        """What was read last is not there any more: lines after it may be missing."""

    def reopen(self) -> int:
        """Where to read from, inclusive; the next line is the first one there."""
        self._overlap = OVERLAP if self._progress else max(_LEAST, self._overlap // 4)
        self._progress = False
        self._repeated = Counter(self._window)
        self._awaited = self._last
        self.lost = False
        return max(self._begin, self._newest - self._overlap)

    def admits(self, stamp: int, key: Hashable) -> bool:
        """Whether this line was not read before; it counts as read from now on."""
        line = (stamp, key)
        if self._repeated.get(line, 0):
            self._repeated[line] -= 1
            if line == self._awaited:
                self._awaited = None
            return False
        self.lost = self._awaited is not None
        self._awaited = None
        self._remember(line)
        return True

    def _remember(self, line: tuple[int, Hashable]) -> None:
        self._progress = True
        self._last = line
        self._window.append(line)
        self._newest = max(self._newest, line[0])
        while self._window and self._window[0][0] < self._newest - OVERLAP:
            self._window.popleft()
