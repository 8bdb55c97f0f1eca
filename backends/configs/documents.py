"""YAML or JSON text as a tree of values that know their lines.

The text is read as YAML 1.1 first (so plain JSON passes), then as JSON. Size, depth and
expansion are bounded; nothing that a hostile file holds is run or expanded without limit.
"""

import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from backends.configs.field import shorten
from backends.configs.report import Report

MAX_BYTES = 256 * 1024
MAX_DEPTH = 50
MAX_NODES = 20_000

Value: TypeAlias = "bool | int | float | str | tuple[Node, ...] | Mapping[str, Node] | None"

JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
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


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key that stands twice in one mapping; the later one counts."""

    key: str
    """Dotted path."""
    first: int
    line: int


def load(text: str | bytes, report: Report) -> Node | None:
    """Read a document; None when it could not be read, and the report says why."""
    try:
        node, duplicates = _load(decode(text) if isinstance(text, bytes) else text)
    except Malformed as fault:
        report.error(
            f"The file {fault.message} (line {fault.line}, column {fault.column}).",
            line=fault.line,
            found="text that cannot be read",
            allowed="JSON or YAML",
        )
        return None
    for twice in duplicates:
        report.warning(
            f"{shorten(twice.key)} stands twice; line {twice.line} counts, "
            f"line {twice.first} does not.",
            line=twice.line,
            key=twice.key,
            found="the same key twice",
            allowed="each key once",
        )
    return node


def read(path: Path, report: Report) -> bytes | None:
    """Read a file of bounded size; None when it could not be read, and the report says why."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            report.error(f"{path} is not a regular file.", found="no file", allowed="a file")
            return None
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        report.error(f"{path} cannot be read: {reason}.", found=reason, allowed="a readable file")
        return None
    return data


def decode(data: bytes) -> str:
    """Decode UTF-8 or, with its byte order mark, UTF-16.

    Raises:
        Malformed: It is neither, or too large.
    """
    if len(data) > MAX_BYTES:
        raise Malformed(f"is larger than {MAX_BYTES // 1024} KB")
    wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    if not wide and b"\0" in data[:4]:
        raise Malformed("is binary, or UTF-16 without its mark: save it as UTF-8")
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        name = "UTF-16" if wide else "UTF-8"
        raise Malformed(f"is not {name}: save it as UTF-8", line) from None


def _load(text: str) -> tuple[Node, list[Duplicate]]:
    from backends.configs import json_nodes, yaml_nodes

    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES:
        raise Malformed(f"is larger than {MAX_BYTES // 1024} KB")
    if not text.strip():
        raise Malformed("is empty")
    try:
        return yaml_nodes.read(text)
    except Malformed as yaml_fault:
        try:
            json.loads(text)
        except RecursionError:
            raise yaml_fault from None
        except ValueError as json_fault:
            raise _clearest(text, yaml_fault, json_fault) from None
    return json_nodes.read(text)


def _clearest(text: str, yaml_fault: Malformed, json_fault: ValueError) -> Malformed:
    """Speak of JSON to those who wrote JSON, of YAML to the others."""
    if text.lstrip()[:1] not in {"{", "["} or not isinstance(json_fault, json.JSONDecodeError):
        return yaml_fault
    said = json_fault.msg[:1].lower() + json_fault.msg[1:]
    return Malformed(f"is neither JSON nor YAML: {said}", json_fault.lineno, json_fault.colno)


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
