"""YAML 1.1 text as nodes, by PyYAML's safe loader."""

import json
import re

import yaml

from backends.configs.nodes import (
    JSON_NUMBER,
    MAX_DEPTH,
    Builder,
    Duplicate,
    Malformed,
    Node,
    too_deep,
)

_PREFIX = "tag:yaml.org,2002:"
_QUOTED = re.compile(r"'(?!<)[^']{2,}'|\"(?!<)[^\"]{2,}\"")
"""What PyYAML quotes from the file (not `<stream end>` and the like): it may be a secret."""
_TEXT = {"str", "timestamp", "value", "merge"}


class _Loader(yaml.SafeLoader):
    """The safe loader, bounded in depth while it reads."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = self.get_mark()
            raise too_deep(mark.line + 1, mark.column + 1)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def read(text: str) -> tuple[Node, list[Duplicate]]:
    """Read one YAML document.

    Raises:
        Malformed: It is not YAML, or breaks a limit.
    """
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            raise Malformed("is empty")
        return _Reader(loader).document(root)
    except yaml.YAMLError as error:
        raise _fault(error, text) from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, Malformed) or loader is None:
            raise
        mark = loader.get_mark()
        said = "is not YAML: it holds a number or an escape out of range"
        raise Malformed(said, mark.line + 1, mark.column + 1) from None
    finally:
        if loader is not None:
            loader.dispose()


def _fault(error: yaml.YAMLError, text: str) -> Malformed:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        reason = _QUOTED.sub("…", error.problem or error.context or "it is malformed")
        said = f"is neither YAML nor JSON: {reason}"
        return Malformed(said, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1)
    position = getattr(error, "position", 0)
    before = text[:position]
    column = position - (before.rfind("\n") + 1) + 1
    return Malformed("holds a character that YAML does not allow", before.count("\n") + 1, column)


class _Reader(Builder):
    """Turns composed nodes into ours; aliases are expanded and counted."""

    def __init__(self, loader: _Loader) -> None:
        super().__init__()
        self._loader = loader

    def document(self, root: yaml.Node) -> tuple[Node, list[Duplicate]]:
        return self._node(root, "", 1), self.duplicates

    def _node(self, node: yaml.Node, path: str, depth: int) -> Node:
        line = node.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise too_deep(line)
        if isinstance(node, yaml.MappingNode):
            self._plain_tag(node, "map")
            return self.mapping(self._entries(node, path, depth), line, path)
        if isinstance(node, yaml.SequenceNode):
            self._plain_tag(node, "seq")
            items = [
                self._node(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(node.value)
            ]
            return self.sequence(items, line)
        assert isinstance(node, yaml.ScalarNode), "YAML has three kinds of nodes"
        return self._scalar(node, line)

    def _plain_tag(self, node: yaml.Node, name: str) -> None:
        if node.tag != _PREFIX + name:
            raise _unknown_tag(node)

    def _entries(
        self, node: yaml.MappingNode, path: str, depth: int
    ) -> list[tuple[str, int, Node]]:
        own: list[tuple[str, int, Node]] = []
        merged: dict[str, tuple[str, int, Node]] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise Malformed("has a key that is not text", line, key.start_mark.column + 1)
            if key.tag == _PREFIX + "merge":
                for entry in self._merged(value, path, depth + 1):
                    merged.setdefault(entry[0], entry)
                continue
            where = f"{path}.{key.value}" if path else key.value
            own.append((key.value, line, self._node(value, where, depth + 1)))
        names = {name for name, _, _ in own}
        return [entry for name, entry in merged.items() if name not in names] + own

    def _merged(self, node: yaml.Node, path: str, depth: int) -> list[tuple[str, int, Node]]:
        if depth > MAX_DEPTH:
            raise too_deep(node.start_mark.line + 1)
        self.count(node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._entries(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [entry for item in node.value for entry in self._merged(item, path, depth + 1)]
        raise Malformed("merges (<<) what is not a mapping", node.start_mark.line + 1)

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Node:
        text = str(node.value)
        kind = node.tag.removeprefix(_PREFIX)
        if node.style is None and JSON_NUMBER.fullmatch(text):
            return self.scalar(_number(text), line, text)
        if kind in _TEXT:
            return self.scalar(text, line, text)
        if kind not in {"null", "bool", "int", "float"}:
            raise _unknown_tag(node)
        try:
            value = self._loader.construct_object(node)
        except (ValueError, KeyError, IndexError, OverflowError):
            value = text
        return self.scalar(value, line, text)


def _number(text: str) -> float | int | str:
    """Read a JSON number; one with too many digits to be meant stays text."""
    try:
        number = json.loads(text)
    except ValueError:
        return text
    return number if isinstance(number, int | float) else text


def _unknown_tag(node: yaml.Node) -> Malformed:
    mark = node.start_mark
    return Malformed("uses a YAML tag (!), which is not allowed", mark.line + 1, mark.column + 1)
