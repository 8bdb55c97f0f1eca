"""What may be typed next in a filter: names first, then values, each with its count."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from backends.filters.grammar import (
    EXAMPLES,
    KEY,
    QUOTED,
    SIGN,
    TERM,
    Kind,
    Subject,
    quoted,
    unquoted,
)

LIMIT = 20


class Counted(Struct, frozen=True):
    """A name or value, and how many rows have it."""

    text: str
    count: int


class Completion(Struct, frozen=True, kw_only=True):
    """One offer: `text` takes the place of what was typed from `start` to `end`."""

    text: str
    start: int
    end: int
    label: str
    """What to show: the name or value alone."""
    count: int | None = None
    """How many rows have it; None for fields and examples."""

    def applied(self, typed: str) -> str:
        """The whole line with this offer taken."""
        return typed[: self.start] + self.text + typed[self.end :]


class Vocabulary(Protocol):
    """What a list can be filtered by; `part` is case-folded, anywhere in the text."""

    @property
    def fields(self) -> Mapping[str, Kind]:
        """The list's fields."""

    def names(self, part: str, limit: int) -> Sequence[Counted]:
        """Tag and property names, the likeliest first."""

    def values(self, name: str, part: str, limit: int) -> Sequence[Counted]:
        """Values of one tag or property, the likeliest first."""

    def field_values(self, name: str, part: str, limit: int) -> Sequence[Counted]:
        """Values of one text field, the likeliest first."""


class SubjectVocabulary:
    """The vocabulary of a list that is in memory."""

    def __init__(self, subjects: Iterable[Subject], fields: Mapping[str, Kind]) -> None:
        self._subjects = tuple(subjects)
        self.fields = fields

    def names(self, part: str, limit: int) -> Sequence[Counted]:
        """Tag names, the likeliest first."""
        return likeliest((key for one in self._subjects for key in one.tags), part, limit)

    def values(self, name: str, part: str, limit: int) -> Sequence[Counted]:
        """Values of one tag, the likeliest first."""
        having = (one.tags[name] for one in self._subjects if name in one.tags)
        return likeliest(having, part, limit)

    def field_values(self, name: str, part: str, limit: int) -> Sequence[Counted]:
        """Values of one text field, the likeliest first."""
        if name == "name":
            return likeliest((one.name for one in self._subjects), part, limit)
        found = (str(one.fields[name]) for one in self._subjects if name in one.fields)
        return likeliest(found, part, limit)


def likeliest(texts: Iterable[str], part: str, limit: int) -> Sequence[Counted]:
    """Distinct texts with `part` in them: those that begin with it first, then by count."""
    counts = Counter(text for text in texts if part in text.casefold())
    ranked = sorted(
        counts.items(),
        key=lambda item: (not item[0].casefold().startswith(part), -item[1], item[0]),
    )
    return tuple(Counted(text, count) for text, count in ranked[:limit])


_OPEN = r'"(?:[^"\\]|\\.)*\Z|' + r"'(?:[^'\\]|\\.)*\Z"
_PARTIAL = re.compile(
    rf"""(?P<bang>!*)
         (?: (?P<key>{KEY}) (?P<sign>{SIGN}) (?P<value>{_OPEN}|{QUOTED}|\S*)
           | (?P<word>{_OPEN}|{QUOTED}|\S*) )\Z""",
    re.VERBOSE | re.DOTALL,
)


def complete(
    text: str, cursor: int, vocabulary: Vocabulary, *, limit: int = LIMIT
) -> tuple[Completion, ...]:
    """Offers for the term that the cursor is in, the likeliest first."""
    start = _term_start(text[:cursor])
    partial = _PARTIAL.match(text[:cursor], start)
    if partial is None:
        return ()
    rest = re.compile(r"\S*").match(text, cursor)
    end = rest.end() if rest else cursor
    head = partial["bang"]

    def offer(piece: str, label: str, count: int | None = None) -> Completion:
        return Completion(text=head + piece, start=start, end=end, label=label, count=count)

    if partial["sign"] is None:
        offers = _names(_typed(partial["word"] or ""), vocabulary, offer, limit)
    elif partial["sign"] == ":":
        part = _typed(partial["value"])
        offers = _field_values(unquoted(partial["key"]).lower(), part, vocabulary, offer, limit)
    else:
        offers = _values(partial, vocabulary, offer, limit)
    return tuple(one for one in offers if one.applied(text) != text)[:limit]


_Offer = Callable[..., Completion]


def _names(part: str, vocabulary: Vocabulary, offer: _Offer, limit: int) -> list[Completion]:
    found = vocabulary.names(part, limit)
    fields = [name for name in vocabulary.fields if name.startswith(part)]
    offers = [offer(f"{quoted(one.text)}=", one.text, one.count) for one in found]
    return offers[: limit - len(fields)] + [offer(f"{name}:", f"{name}:") for name in fields]


def _values(
    partial: re.Match[str], vocabulary: Vocabulary, offer: _Offer, limit: int
) -> list[Completion]:
    key, sign = partial["key"], partial["sign"]
    part = _typed(partial["value"])
    found = vocabulary.values(unquoted(key), part, limit)
    offers = [offer(f"{key}{sign}{quoted(one.text)}", one.text, one.count) for one in found]
    any_value = [offer(f"{key}{sign}*", "*")] if offers and sign != "~" and not part else []
    return offers[: limit - len(any_value)] + any_value


def _field_values(
    name: str, part: str, vocabulary: Vocabulary, offer: _Offer, limit: int
) -> list[Completion]:
    kind = vocabulary.fields.get(name)
    if kind is None:
        return []
    if kind is Kind.TEXT:
        found = vocabulary.field_values(name, part, limit)
        return [offer(f"{name}:{quoted(one.text)}", one.text, one.count) for one in found]
    examples = ("yes", "no") if kind is Kind.FLAG else (EXAMPLES[kind],)
    return [offer(f"{name}:{one}", one) for one in examples if one.startswith(part)]


def _typed(piece: str) -> str:
    """What a piece means so far: its quote may still be open."""
    if piece[:1] in ('"', "'") and not re.fullmatch(QUOTED, piece, re.DOTALL):
        piece += piece[0]
    return unquoted(piece).casefold()


def _term_start(text: str) -> int:
    """Where the term that `text` ends in begins."""
    position = 0
    while True:
        begin = re.compile(r"\s*").match(text, position)
        start = begin.end() if begin else position
        term = TERM.match(text, start)
        if term is None or term.end() >= len(text):
            return start
        position = term.end()
