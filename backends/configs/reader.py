"""Reads a document or flags against a table of fields: every value, every problem."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from backends.configs.building import unsaid, value_at
from backends.configs.field import WORDS, Field, Kind, Mismatch, shorten
from backends.configs.nodes import Node
from backends.configs.report import Report, dotted

Converter = Callable[[Node, Report, str], object]
"""Reads a value that has its own format: node, where to report, dotted key."""


class Found(Struct, frozen=True, kw_only=True):
    """One value and where it came from."""

    field: Field
    value: object
    file: str
    line: int | None


class Reader:
    """Values by attribute path, read from a document, then overridden by flags."""

    def __init__(
        self,
        report: Report,
        fields: Sequence[Field],
        *,
        foreign: Sequence[Field] = (),
        owner: str = "",
        converters: Mapping[Kind, Converter] | None = None,
    ) -> None:
        self.report = report
        self.found: dict[str, Found] = {}
        self._fields = fields
        self._foreign = foreign
        self._owner = owner
        self._converters = converters or {}
        self._lines: dict[str, int] = {}

    @property
    def values(self) -> dict[str, object]:
        """Values by attribute path."""
        return {attribute: found.value for attribute, found in self.found.items()}

    def read(self, node: Node, prefix: str = "", base: str = "") -> None:
        """Take every value below a node.

        Args:
            node: A mapping, or the fault is reported.
            prefix: Dotted path of the node within the table.
            base: Dotted path of the table's root within the file.
        """
        where = dotted(base, prefix)
        if not isinstance(node.value, Mapping):
            self._not_a_mapping(node, prefix, where)
            return
        level = _level(self._fields, prefix)
        self._lines.setdefault(prefix, node.line)
        for key, child in node.value.items():
            name = _spelled(key, level)
            if name is None:
                self._unknown(key, child, prefix, where, level)
                continue
            self._lines[dotted(prefix, name)] = child.line
            if child.value is not None:
                self._child(level[name], child, dotted(prefix, name), base)

    def flags(self, flags: Mapping[str, str]) -> None:
        """Take typed texts by field name or attribute; they win over the file; empty is unsaid."""
        for name, text in flags.items():
            field = next((f for f in self._fields if name in {f.name, f.attribute}), None)
            if field is None:
                self._flag_out_of_place(name, text)
            elif text.strip():
                self._flag(field, text)

    def take(self, record: object) -> None:
        """Take what a record says, where the table has a field for it."""
        for field in self._fields:
            value = value_at(record, field.attribute)
            if not unsaid(value):
                self.put(field, value)

    def put(self, field: Field, value: object) -> None:
        """Take a value that comes from no line of a file."""
        self.found[field.attribute] = Found(
            field=field, value=value, file=self.report.file, line=None
        )

    def require(self) -> None:
        """Report each required field that has no value."""
        for field in self._fields:
            found = self.found.get(field.attribute)
            wrong_already = found is not None and found.value is None
            if field.required and not wrong_already and (found is None or unsaid(found.value)):
                self.report.error(
                    f"{field.key} is needed. {field.help}",
                    line=self._nearest_line(field.key),
                    key=field.key,
                    found="nothing",
                    allowed=field.allowed,
                )

    def drop(self, attribute: str) -> None:
        """Forget a value that another one overrules."""
        self.found.pop(attribute, None)

    def _nearest_line(self, key: str) -> int | None:
        """Line of the key, or of the innermost section that is there; None without a file."""
        while key and key not in self._lines:
            key = key.rpartition(".")[0]
        return self._lines.get(key)

    def _child(self, field: Field | None, node: Node, path: str, base: str) -> None:
        if field is None and not isinstance(node.value, Mapping):
            field = next(
                (f for f in self._fields if f.shorthand and f.key.rpartition(".")[0] == path), None
            )
            if field is None or not isinstance(node.value, str):
                self._not_a_mapping(node, path, dotted(base, path))
                return
        if field is None:
            self.read(node, path, base)
        else:
            self._value(field, node, dotted(base, field.key))

    def _value(self, field: Field, node: Node, key: str) -> None:
        found = Found(field=field, value=None, file=self.report.file, line=node.line)
        try:
            value = self._converted(field, node, key)
        except Mismatch as mismatch:
            problem = field.problem(
                _text(node), str(mismatch), file=self.report.file, line=node.line
            )
            message = f"{key} {mismatch}."
            self.report.problems.append(replace(problem, key=key, message=message))
            value = None
        self.found[field.attribute] = replace(found, value=value)

    def _converted(self, field: Field, node: Node, key: str) -> object:
        if field.kind in self._converters:
            return self._converters[field.kind](node, self.report, key)
        return field.settle(from_node(field.kind, node))

    def _flag(self, field: Field, text: str) -> None:
        problem = field.check(text)
        if problem is not None:
            self.report.problems.append(problem)
        file = field.flags[-1] if field.flags else field.name
        value = None if problem else field.convert(text)
        self.found[field.attribute] = Found(field=field, value=value, file=file, line=None)

    def _flag_out_of_place(self, name: str, text: str) -> None:
        field = next((f for f in self._foreign if name in {f.name, f.attribute}), None)
        file = field.flags[-1] if field and field.flags else name
        if text.strip():
            self.report.warning(
                f"{file} does not apply to {self._owner} and is ignored.",
                file=file,
                key=field.key if field else "",
                found=name,
                allowed=", ".join(f.flags[-1] for f in self._fields if f.flags),
            )

    def _not_a_mapping(self, node: Node, path: str, where: str) -> None:
        names = ", ".join(name for name in _level(self._fields, path))
        self.report.error(
            f"{where or 'The file'} must be a mapping of keys to values, and is {node.kind}.",
            line=node.line,
            key=where,
            found=node.kind,
            allowed=f"a mapping with {names}",
        )

    def _unknown(
        self, key: str, node: Node, prefix: str, where: str, level: Mapping[str, Field | None]
    ) -> None:
        name = dotted(where, shorten(key))
        if key in _level(self._foreign, prefix):
            message = f"{name} does not apply to {self._owner} and is ignored."
        else:
            message = f"{name} is not a known key and is ignored{_hint(key, level)}."
        self.report.warning(
            message, line=node.line, key=name, found=shorten(key), allowed=", ".join(level)
        )


def from_node(kind: Kind, node: Node) -> object:
    """Return a node's value as a field of this kind holds it.

    Raises:
        Mismatch: It is of another kind. Numbers and switches in quotes are refused.
    """
    value = node.value
    if kind in {Kind.TEXT, Kind.PATH}:
        return _as_text(kind, node)
    if kind is Kind.SWITCH and isinstance(value, bool):
        return value
    if kind is Kind.INTEGER and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is Kind.NUMBER and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if kind is Kind.RAW:
        return node.plain()
    if kind is Kind.TABLE and isinstance(value, Mapping):
        said = {name: child for name, child in value.items() if child.value is not None}
        return {_named(name): text_of(child, name) for name, child in said.items()}
    if kind is Kind.LIST and isinstance(value, tuple):
        return tuple(text_of(child, "an item") for child in value)
    raise Mismatch(_wrong_kind(kind, node))


def text_of(node: Node, name: str) -> str:
    """Return a scalar as it is written; null is empty.

    Raises:
        Mismatch: It is a mapping or a list, or holds a NUL.
    """
    if isinstance(node.value, tuple | Mapping):
        raise Mismatch(f"must hold text, and {shorten(name)} is {node.kind}")
    text = "" if node.value is None else node.text
    if "\0" in text:
        raise Mismatch(f"must hold text, and {shorten(name)} holds a NUL character")
    return text


def _as_text(kind: Kind, node: Node) -> str:
    """Text as is; a number, where text is meant, as it is written (`version: 1`)."""
    number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    if isinstance(node.value, str) or (number and kind is Kind.TEXT):
        return node.text
    raise Mismatch(_wrong_kind(kind, node))


def _named(name: str) -> str:
    if not name or "\0" in name:
        raise Mismatch("has a name that is empty or holds a NUL character")
    return name


def _wrong_kind(kind: Kind, node: Node) -> str:
    quoted = isinstance(node.value, str) and kind in {Kind.INTEGER, Kind.NUMBER, Kind.SWITCH}
    hint = ": write it without quotes" if quoted and _would_do(kind, node.text) else ""
    return f"must be {WORDS[kind]}, and is {node.kind}{hint}"


def _would_do(kind: Kind, text: str) -> bool:
    probe = Field(name="", attribute="", key="", help="", kind=kind)
    return probe.check(text) is None and bool(text.strip())


def _text(node: Node) -> str:
    return f'"{node.text}"' if isinstance(node.value, str) else node.text or node.kind


def _level(fields: Iterable[Field], prefix: str) -> dict[str, Field | None]:
    """Names right below a path: the field, or None for a section."""
    names: dict[str, Field | None] = {}
    start = f"{prefix}." if prefix else ""
    for field in fields:
        if field.key.startswith(start):
            name, dot, _ = field.key[len(start) :].partition(".")
            names[name] = None if dot else field
    return names


def _spelled(key: str, level: Mapping[str, Field | None]) -> str | None:
    """Return the table's spelling of a key, or None."""
    if key in level:
        return key
    for name, field in level.items():
        same = field is not None and field.any_case and key.casefold() == name.casefold()
        if same or (field is not None and key in field.aliases):
            return name
    return None


def _hint(key: str, level: Mapping[str, Field | None]) -> str:
    folded = {name.casefold(): name for name in level}
    near = difflib.get_close_matches(key[:80].casefold(), folded, n=1)
    return f"; {folded[near[0]]} may be meant" if near else ""
