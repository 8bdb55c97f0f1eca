"""JSON text as nodes."""

import json
import re
from bisect import bisect_right
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in json.decoder, not in its stubs

from backends.configs.nodes import MAX_DEPTH, Builder, Duplicate, Node, too_deep

_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"[^\s,\]}]+")


def read(text: str) -> tuple[Node, list[Duplicate]]:
    """Read a text that `json.loads` has accepted.

    Raises:
        Malformed: It breaks a limit.
    """
    reader = _Reader(text)
    return reader.value("", 1), reader.duplicates


class _Reader(Builder):
    """Walks valid JSON once more, for its lines."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._at = 0
        self._breaks = [found.start() for found in re.finditer("\n", text)]

    def value(self, path: str, depth: int) -> Node:
        opening = self._peek()
        line = self._line()
        if depth > MAX_DEPTH:
            raise too_deep(line)
        if opening == "{":
            return self._object(path, depth, line)
        if opening == "[":
            return self._array(path, depth, line)
        if opening == '"':
            text = self._string()
            return self.scalar(text, line, text)
        word = _WORD.match(self._text, self._at)
        assert word is not None, "json.loads accepted the text"
        self._at = word.end()
        return self.scalar(json.loads(word.group()), line, word.group())

    def _object(self, path: str, depth: int, line: int) -> Node:
        entries: list[tuple[str, int, Node]] = []
        self._at += 1
        while self._peek() != "}":
            at = self._line()
            key = self._string()
            self._skip(":")
            entries.append((key, at, self.value(f"{path}.{key}" if path else key, depth + 1)))
            self._skip(",")
        self._at += 1
        return self.mapping(entries, line, path)

    def _array(self, path: str, depth: int, line: int) -> Node:
        items: list[Node] = []
        self._at += 1
        while self._peek() != "]":
            items.append(self.value(f"{path}[{len(items)}]", depth + 1))
            self._skip(",")
        self._at += 1
        return self.sequence(items, line)

    def _string(self) -> str:
        text, self._at = scanstring(self._text, self._at + 1)
        return str(text)

    def _peek(self) -> str:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def _skip(self, mark: str) -> None:
        if self._peek() == mark:
            self._at += 1

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at) + 1
