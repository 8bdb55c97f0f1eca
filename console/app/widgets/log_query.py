"""What is looked for in a log: terms in, the numbers of the lines that match out."""

import re
from array import array
from collections.abc import Callable

from msgspec import Struct

from backends.errors import InvalidInput
from backends.targets.records import LogLine
from console.app.widgets.log_spool import LEVELS, LogItem, LogSpool

SLICE = 4_000
"""Lines looked at before others get a turn."""

Test = Callable[[LogLine], bool]


class LogSearch(Struct, frozen=True):
    """A line matches when all `tests` hold and `text` is found in it."""

    source: str
    """As typed."""
    tests: tuple[Test, ...]
    text: re.Pattern[str] | None
    """What is highlighted."""

    def matches(self, line: LogLine) -> bool:
        """Whether the line is looked for."""
        return all(test(line) for test in self.tests) and (
            self.text is None or bool(self.text.search(line.text))
        )


def parse_search(source: str) -> LogSearch:
    """Terms of a search: `level:warning` and above, `rid:7f3a`, `replica:b`, then text.

    The rest is text to find; small letters find capitals too, `~` before it makes it a regular
    expression and `!` turns it into what must not be there.

    Raises:
        InvalidInput: a level that does not exist, or a wrong regular expression.
    """
    tests: list[Test] = []
    words = []
    for word in source.split(" "):
        key, colon, value = word.partition(":")
        if colon and value and key in _FIELDS:
            tests.append(_FIELDS[key](value))
        else:
            words.append(word)
    text = " ".join(words).strip()
    if text.startswith("!") and len(text) > 1:
        absent = _pattern(text[1:])
        tests.append(lambda line: not absent.search(line.text))
        text = ""
    return LogSearch(source, tuple(tests), _pattern(text) if text else None)


class Matches:
    """Numbers of a spool's lines that match a search, extended slice by slice."""

    def __init__(self, spool: LogSpool, search: LogSearch, *, markers: bool) -> None:
        self.search = search
        self.numbers = array("Q")
        self._spool = spool
        self._markers = markers
        self._seen = spool.first

    @property
    def complete(self) -> bool:
        """Every item that is there was looked at."""
        return self._seen >= self._spool.end

    def extend(self, limit: int = SLICE) -> None:
        """Look at up to `limit` more items."""
        stop = min(self._seen + limit, self._spool.end)
        for number, item in self._spool.scan(self._seen, stop):
            if self._wanted(item):
                self.numbers.append(number)
        self._seen = max(stop, self._seen)

    def forget(self, first: int) -> None:
        """Drop the numbers below `first`."""
        kept = array("Q", (number for number in self.numbers if number >= first))
        self.numbers[:] = kept
        self._seen = max(self._seen, first)

    def _wanted(self, item: LogItem) -> bool:
        return self.search.matches(item) if isinstance(item, LogLine) else self._markers


def _pattern(text: str) -> re.Pattern[str]:
    flags = 0 if any(letter.isupper() for letter in text) else re.IGNORECASE
    if not text.startswith("~"):
        return re.compile(re.escape(text), flags)
    try:
        return re.compile(text[1:], flags)
    except re.error as error:
        raise InvalidInput(
            f"'{text[1:]}' is not a regular expression: {error}.",
            fix="Leave out the ~ to look for the text as it is.",
        ) from error


def _level(value: str) -> Test:
    names = [name for name in LEVELS if name.startswith(value.upper())]
    if not names:
        raise InvalidInput(
            f"There is no level '{value}'.", fix=f"Levels are {', '.join(LEVELS).lower()}."
        )
    lowest = LEVELS[names[0]]
    return lambda line: LEVELS.get(line.level, LEVELS["INFO"]) >= lowest


def _request(value: str) -> Test:
    return lambda line: line.request_id.startswith(value)


def _replica(value: str) -> Test:
    return lambda line: value in line.replica


_FIELDS: dict[str, Callable[[str], Test]] = {
    "level": _level,
    "rid": _request,
    "replica": _replica,
}
