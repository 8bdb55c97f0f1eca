"""A filter as SQL: conditions over the index that cover what lists ask for.

`versions_all` and `versions_latest` hold every column a condition needs, in the order of the
list, so that a keystroke reads narrow index entries and never the rows themselves.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from backends.filters import FieldTerm, Filter, Kind, Label, Relation, Term, Word

_COLUMNS = frozenset({"version", "size"})

Value = str | float | int


@dataclass(slots=True)
class Condition:
    """SQL text with its values, in order."""

    text: str
    values: list[Value] = field(default_factory=list)


def page(filter: Filter, *, latest: bool, columns: str) -> Condition:
    """Rows newest first; the caller appends the values of LIMIT and OFFSET."""
    inner = _matching("id", filter, latest=latest)
    return Condition(
        f"""SELECT {columns} FROM versions WHERE id IN (
              {inner.text} ORDER BY id DESC LIMIT ? OFFSET ?) ORDER BY id DESC""",
        inner.values,
    )


def total(filter: Filter, *, latest: bool) -> Condition:
    """How many rows there are."""
    return _matching("count(*)", filter, latest=latest)


def listing(*, name: str, tags: Sequence[str], properties: Sequence[str], run_id: str) -> Condition:
    """Conditions of `az ml model list`: labels are `key` or `key=value`, all must hold."""
    where, values = ["1"], list[Value]()
    for column, wanted in (("name", name), ("run_id", run_id)):
        if wanted:
            where.append(f"{column} = ?")
            values.append(wanted)
    for property_, labels in enumerate((tags, properties)):
        for label in labels:
            key, equals, value = label.partition("=")
            where.append(
                f"""id IN (SELECT version_id FROM labels WHERE property = {property_}
                           AND key = ?{" AND value = ?" if equals else ""})"""
            )
            values += [key, value] if equals else [key]
    return Condition(" AND ".join(where), values)


def chosen(where: Condition, *, latest: bool, columns: str) -> Condition:
    """Rows newest first; with `latest` only the highest of what is chosen of each name."""
    rows = f"SELECT {columns} FROM versions WHERE {where.text}"
    if latest:
        highest = f"SELECT name, max(version) FROM versions WHERE {where.text} GROUP BY name"
        rows += f" AND (name, version) IN ({highest})"
    return Condition(f"{rows} ORDER BY id DESC", where.values * (2 if latest else 1))


def _matching(what: str, wanted: Filter, *, latest: bool) -> Condition:
    index = "versions_latest" if latest else "versions_all"
    where = ["latest = 1"] if latest else []
    values: list[Value] = []
    for term in wanted.terms:
        condition = _condition(term)
        where.append(f"NOT ({condition.text})" if term.negated else condition.text)
        values += condition.values
    text = f"SELECT {what} FROM versions INDEXED BY {index}"
    return Condition(f"{text} WHERE {' AND '.join(where)}" if where else text, values)


def _condition(term: Term) -> Condition:
    if isinstance(term, Word):
        return Condition("instr(search, ?) > 0", [term.text])
    return _label(term) if isinstance(term, Label) else _field(term)


def _label(term: Label) -> Condition:
    match term.relation:
        case Relation.EXISTS:
            test, values = "", []
        case Relation.CONTAINS:
            test, values = " AND instr(casefold(value), ?) > 0", [term.value]
        case _:
            test, values = " AND value = ?", [term.value]
    return Condition(
        f"id IN (SELECT version_id FROM labels WHERE key = ?{test})", [term.key, *values]
    )


def _field(term: FieldTerm) -> Condition:
    if term.kind is Kind.FLAG:
        yes = "" if term.value else "NOT "
        return Condition(f"{yes}id IN (SELECT version_id FROM uses)")
    if term.name == "name":
        return Condition("instr(substr(search, 1, instr(search, char(10))), ?) > 0", [term.value])
    if term.kind is Kind.TEXT:
        return Condition("instr(lower(framework), ?) > 0", [term.value])
    if term.kind is Kind.AGE:
        return Condition(f"? - created {term.relation.value} ?", [time.time(), term.value])
    if term.name not in _COLUMNS:
        return Condition("0")
    return Condition(f"{term.name} {term.relation.value} ?", [term.value])
