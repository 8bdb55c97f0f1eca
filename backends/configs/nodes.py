"""What a document is made of, and the limits of its size, depth and expansion."""

import re
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

MAX_DEPTH = 50
MAX_NODES = 20_000

Value: TypeAlias = "bool | int | float | str | tuple[Node, ...] | Mapping[str, Node] | None"

JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class Node(Struct, frozen=True, kw_only=True):
    """One value of a document; numbers are finite and text can be encoded."""

    value: Value
    line: int
    """Counts from 1; of the key for a mapping's value."""
    text: str = ""
    """A scalar as it is written."""

    @property
    def kind(self) -> str:
        """What the value is, in words."""
        names = {bool: "true or false", int: "a number", float: "a number", str: "text"}
        if self.value is None:
            return "null"
        if isinstance(self.value, tuple):
            return "a list"
        return names.get(type(self.value), "a mapping")

    def plain(self) -> object:
        """Return the value as dicts, lists and scalars."""
        if isinstance(self.value, tuple):
            return [child.plain() for child in self.value]
        if isinstance(self.value, Mapping):
            return {key: child.plain() for key, child in self.value.items()}
        return self.value


class Malformed(ValueError):
    """The text is not a document; line and column count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Duplicate(Struct, frozen=True):
    """A key that stands twice in one mapping; the later one counts."""

    key: str
    """Dotted path."""
    first: int
    line: int


class Builder:
    """Makes nodes within the limits; shared by the readers of both formats."""

    def __init__(self) -> None:
        self.duplicates: list[Duplicate] = []
        self._nodes = 0

    def scalar(self, value: bool | float | str | None, line: int, text: str) -> Node:
        """Make a scalar; text outside Unicode and numbers without an end are refused or text."""
        self.count(line)
        if isinstance(value, str):
            value = joined(value, line)
        if isinstance(value, float) and value - value != 0:
            value = text
        return Node(value=value, line=line, text=joined(text, line))

    def mapping(self, entries: list[tuple[str, int, Node]], line: int, path: str) -> Node:
        """Make a mapping of (key, line, value); a key's later value counts."""
        self.count(line)
        children: dict[str, Node] = {}
        for raw, at, child in entries:
            key = joined(raw, at)
            if key in children:
                where = f"{path}.{key}" if path else key
                self.duplicates.append(Duplicate(where, children.pop(key).line, at))
            children[key] = Node(value=child.value, line=at, text=child.text)
        return Node(value=children, line=line)

    def sequence(self, items: list[Node], line: int) -> Node:
        """Make a list."""
        self.count(line)
        return Node(value=tuple(items), line=line)

    def count(self, line: int) -> None:
        """Hold the limit of values, aliases expanded.

        Raises:
            Malformed: There are more.
        """
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Malformed(f"holds more than {MAX_NODES} values, aliases expanded", line)


def too_deep(line: int, column: int = 1) -> Malformed:
    """Return the fault of a document that is nested too deep."""
    return Malformed(f"is nested deeper than {MAX_DEPTH} levels", line, column)


def joined(text: str, line: int) -> str:
    r"""Join the surrogate pairs that JSON writes as `\ud83d\ude00`.

    Raises:
        Malformed: Half of a pair stands alone.
    """
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Malformed("holds half of a surrogate pair, which is no character", line) from None
