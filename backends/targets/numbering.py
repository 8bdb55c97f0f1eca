"""The scoring server's own numbers on its lines: what was read already, and what is missing."""

from backends.targets.records import Gap, LogLine

_BOOTS = 64


class Numbering:
    """Judges the lines of one instance in the order in which they are read.

    Args:
        whole: The first line should be a process life's first one.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self._last: dict[str, int] = {}

    def repeated(self, line: LogLine) -> bool:
        """It was read before."""
        return bool(line.boot) and line.sequence <= self._last.get(line.boot, 0)

    def missing(self, line: LogLine) -> int:
        """How many lines of its process life are missing before it."""
        last = self._last.get(line.boot)
        if not line.boot or (last is None and not (self._whole or self._last)):
            return 0
        return max(0, line.sequence - (last or 0) - 1)

    def take(self, line: LogLine, *, lost: bool = False) -> Gap | None:
        """Count it as read; a gap if lines are missing before it.

        `lost` says that lines without a number may be missing here.
        """
        missing = self.missing(line)
        first = bool(line.boot) and line.boot not in self._last
        if line.boot:
            self._last[line.boot] = max(line.sequence, self._last.get(line.boot, 0))
            if len(self._last) > _BOOTS:
                del self._last[next(iter(self._last))]
        if missing:
            older = first and len(self._last) == 1
            reason = "older lines are no longer kept" if older else "lines are missing here"
            return Gap(reason, missing)
        if lost and (first or not line.boot):
            return Gap("lines may be missing here: what was read last is no longer kept", None)
        return None
