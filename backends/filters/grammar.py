r"""The filter grammar of every list: terms side by side, all of which must hold.

    area=mnist  area!=mnist  area=*  area~nis     a tag or property equals, differs, exists …
    name:onnx  version:>3  used:yes  size:>10MB  created:<7d     a field
    mnist  "two words"                             part of the name or the description
    !term                                          negates

`=` and `*` are exact; words, `~` and text fields ignore case. A quoted piece is taken as it is,
with `\"` and `\\` inside it. A wrong term is named and the others still apply.
"""

import re
import time
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct, field


class Kind(StrEnum):
    """What a field's values are."""

    TEXT = "text"
    NUMBER = "number"
    SIZE = "size"
    """Bytes; written 10MB (10^6) or 10MiB (2^20)."""
    AGE = "age"
    """The subject holds seconds since the epoch; written 30m, 6h, 7d, 2w, 3mo, 1y."""
    FLAG = "yes or no"


MODEL_FIELDS: Mapping[str, Kind] = MappingProxyType(
    {
        "name": Kind.TEXT,
        "framework": Kind.TEXT,
        "version": Kind.NUMBER,
        "used": Kind.FLAG,
        "size": Kind.SIZE,
        "created": Kind.AGE,
    }
)
"""Fields of the model list; other lists pass their own."""


class Relation(StrEnum):
    """How a term compares."""

    EQUALS = "="
    CONTAINS = "~"
    EXISTS = "=*"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


class Word(Struct, frozen=True, kw_only=True):
    """Part of the name or the description."""

    text: str
    """Case-folded."""
    negated: bool = False


class Label(Struct, frozen=True, kw_only=True):
    """A tag or property: EQUALS, CONTAINS (`value` is case-folded) or EXISTS."""

    key: str
    relation: Relation
    value: str = ""
    negated: bool = False
    """`key!=value` is a negated EQUALS: it holds where the key is missing, too."""


class FieldTerm(Struct, frozen=True, kw_only=True):
    """A field compared to a value of its kind."""

    name: str
    kind: Kind
    relation: Relation
    value: str | float
    """TEXT: case-folded; NUMBER; SIZE: bytes; AGE: seconds; FLAG: 1 or 0."""
    negated: bool = False


Term = Word | Label | FieldTerm


class TermProblem(Struct, frozen=True, kw_only=True):
    """A term that does not apply, and why."""

    term: str
    """As it was typed."""
    start: int
    """Where it begins in the text."""
    message: str


class Subject(Struct, frozen=True, kw_only=True):
    """What a filter is held against: one row of a list."""

    name: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags and properties; of a key in both, either may match in the model list."""
    fields: Mapping[str, str | float] = field(default_factory=dict)
    """Values of the list's other fields: text, or a number of the kind's unit."""


class Filter(Struct, frozen=True, kw_only=True):
    """Terms that must all hold, and the ones that could not be read."""

    text: str = ""
    terms: tuple[Term, ...] = ()
    problems: tuple[TermProblem, ...] = ()

    def matches(self, subject: Subject, *, now: float | None = None) -> bool:
        """Whether every term holds for `subject` at `now` (seconds since the epoch)."""
        at = time.time() if now is None else now
        return all(_holds(term, subject, at) is not term.negated for term in self.terms)


QUOTED = r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'"
KEY = rf"""{QUOTED}|[^\s"'=!~:][^\s=!~:]*"""
SIGN = "!=|=|~|:"
TERM = re.compile(
    rf"""(?P<bang>!*)
         (?: (?P<key>{KEY}) (?P<sign>{SIGN}) (?P<value>{QUOTED}|\S*)
           | (?P<word>{QUOTED}|[^\s!]\S*|) )
         (?=\s|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_UNITS_OF_SIZE = {"": 1, "b": 1} | {
    letter + suffix: base**power
    for power, letter in enumerate("kmgt", start=1)
    for suffix, base in (("", 1000), ("b", 1000), ("ib", 1024))
}
_UNITS_OF_AGE = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_UNITS_OF_AGE |= {"mo": 30 * 86400, "y": 365 * 86400}
_UNCLOSED = re.compile(rf"""!*(?:(?:{KEY})(?:{SIGN}))?(?:"(?:[^"\\]|\\.)*|'(?:[^'\\]|\\.)*)\Z""")
_COMPARED = re.compile(r"(<=|>=|<|>|=)?\s*(\d+(?:\.\d+)?)([A-Za-z]*)\Z")


class _WrongTerm(ValueError):
    """A term that cannot be read; its text says why."""


def parse(text: str, fields: Mapping[str, Kind] = MODEL_FIELDS) -> Filter:
    """Read a filter; never fails: what is wrong is in `problems`."""
    terms: list[Term] = []
    problems: list[TermProblem] = []
    for start, typed, match in _typed_terms(text):
        try:
            terms.append(_term(typed, match, fields))
        except _WrongTerm as wrong:
            problems.append(TermProblem(term=typed, start=start, message=str(wrong)))
    return Filter(text=text, terms=tuple(terms), problems=tuple(problems))


def quoted(value: str) -> str:
    """`value` as a filter takes it: in quotes where it would be read as something else."""
    plain = re.fullmatch(r"""[^\s"'=!~:*<>\\][^\s"'=!~:\\]*""", value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return value if plain else f'"{escaped}"'


def _typed_terms(text: str) -> Iterator[tuple[int, str, re.Match[str] | None]]:
    position = 0
    while (begin := re.compile(r"\S").search(text, position)) is not None:
        start = begin.start()
        match = TERM.match(text, start)
        if match is not None and _unbalanced(match):
            match = None
        unread = _UNCLOSED.match(text, start) or re.compile(r"\S+").match(text, start)
        assert unread is not None
        end = match.end() if match else unread.end()
        yield start, text[start:end], match
        position = end


def _term(typed: str, match: re.Match[str] | None, fields: Mapping[str, Kind]) -> Term:
    if match is None:
        raise _WrongTerm(f"{typed}: the quotes do not close around a whole word or value")
    negated = len(match["bang"]) % 2 == 1
    if match["word"] is not None:
        text = _folded(unquoted(match["word"]))
        if text[:1] in set("=~:") and not match["word"].startswith(("'", '"')):
            raise _WrongTerm(f"{typed}: write name=value, with no space around the sign")
        if not text:
            raise _WrongTerm(f"{typed}: there is nothing to look for")
        return Word(text=text, negated=negated)
    key = unquoted(match["key"])
    if match["sign"] == ":":
        return _field(key, unquoted(match["value"]), fields, negated=negated)
    return _label(key, match["sign"], match["value"], negated=negated)


def _unbalanced(match: re.Match[str]) -> bool:
    piece = match["word"] if match["word"] is not None else match["value"]
    return piece[:1] in ('"', "'") and re.fullmatch(QUOTED, piece, re.DOTALL) is None


def _label(key: str, sign: str, written: str, *, negated: bool) -> Label:
    value = unquoted(written)
    if not written or (sign == "~" and not value):
        raise _WrongTerm(f'{key}{sign}: a value is missing; {key}=* is any value, {key}="" is none')
    if sign == "!=":
        negated = not negated
    if sign == "~":
        return Label(key=key, relation=Relation.CONTAINS, value=_folded(value), negated=negated)
    if written == "*":
        return Label(key=key, relation=Relation.EXISTS, negated=negated)
    return Label(key=key, relation=Relation.EQUALS, value=value, negated=negated)


def _field(name: str, value: str, fields: Mapping[str, Kind], *, negated: bool) -> FieldTerm:
    kind = fields.get(name.lower())
    if kind is None:
        known = ", ".join(f"{field}:" for field in fields)
        raise _WrongTerm(f"{name}: is not a field of this list; there are {known}")
    if not value:
        raise _WrongTerm(f"{name}: a value is missing, as in {name}:{EXAMPLES[kind]}")
    relation, read = _value(name, kind, value)
    return FieldTerm(name=name.lower(), kind=kind, relation=relation, value=read, negated=negated)


EXAMPLES = {
    Kind.TEXT: "text",
    Kind.NUMBER: ">3",
    Kind.SIZE: ">10MB",
    Kind.AGE: "<7d",
    Kind.FLAG: "yes",
}


def _value(name: str, kind: Kind, written: str) -> tuple[Relation, str | float]:
    if kind is Kind.TEXT:
        return Relation.CONTAINS, _folded(written)
    if kind is Kind.FLAG:
        if written.lower() not in {"yes", "no"}:
            raise _WrongTerm(f"{name}:{written}: say {name}:yes or {name}:no")
        return Relation.EQUALS, float(written.lower() == "yes")
    match = _COMPARED.match(written)
    units = {Kind.SIZE: _UNITS_OF_SIZE, Kind.AGE: _UNITS_OF_AGE}.get(kind, {"": 1})
    unit = None if match is None else units.get(match[3].lower())
    if match is None or unit is None or (kind is Kind.AGE and not match[1]):
        raise _WrongTerm(f"{name}:{written}: write it like {name}:{EXAMPLES[kind]}")
    return Relation(match[1] or "="), float(match[2]) * unit


def _holds(term: Term, subject: Subject, now: float) -> bool:
    if isinstance(term, Word):
        return term.text in _folded(subject.name) or term.text in _folded(subject.description)
    if isinstance(term, Label):
        value = subject.tags.get(term.key)
        if value is None or term.relation is Relation.EXISTS:
            return value is not None
        if term.relation is Relation.CONTAINS:
            return str(term.value) in _folded(value)
        return value == term.value
    found = subject.name if term.name == "name" else subject.fields.get(term.name)
    if found is None:
        return False
    if term.kind is Kind.TEXT:
        return str(term.value) in _folded(str(found))
    number = now - float(found) if term.kind is Kind.AGE else float(found)
    return _compare(number, term.relation, float(term.value))


def _compare(number: float, relation: Relation, value: float) -> bool:
    return {
        Relation.LESS: number < value,
        Relation.AT_MOST: number <= value,
        Relation.MORE: number > value,
        Relation.AT_LEAST: number >= value,
    }.get(relation, number == value)


def unquoted(piece: str) -> str:
    """What a piece of a filter means: itself, or what stands between its quotes."""
    if piece[:1] not in ('"', "'"):
        return piece
    return re.sub(r"\\(.)", r"\1", piece[1:-1], flags=re.DOTALL)


def _folded(text: str) -> str:
    return text.casefold()
