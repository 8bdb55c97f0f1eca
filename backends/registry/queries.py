"""A filter as SQL over the index, newest versions first.

`versions_all` and `versions_latest` hold every column that a condition needs, in the order of the
list: a keystroke reads narrow index entries, and a page ends as soon as it is full. Only a label
that few versions have is worth a look into its own table first.
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from backends.filters import FieldTerm, Filter, Kind, Label, Relation, Term, Word
from backends.registry.records import Framework

FEW = 1000
"""Versions with a label, up to which they are listed first."""
NUMBERS = frozenset({"version", "size"})

Value = str | float | int


@dataclass(slots=True)
class Condition:
    """SQL text with its values, in order."""

    text: str
    values: list[Value] = field(default_factory=list)


def page(db: sqlite3.Connection, wanted: Filter, *, latest: bool, columns: str) -> Condition:
    """Rows that a filter lets through; the caller appends the values of LIMIT and OFFSET."""
    inner = _matching(db, "id", wanted, latest=latest)
    return Condition(
        f"""SELECT {columns} FROM versions WHERE id IN (
              {inner.text} ORDER BY id DESC LIMIT ? OFFSET ?) ORDER BY id DESC""",
        inner.values,
    )


def total(db: sqlite3.Connection, wanted: Filter, *, latest: bool) -> Condition:
    """How many rows a filter lets through."""
    return _matching(db, "count(*)", wanted, latest=latest)


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


def _matching(db: sqlite3.Connection, what: str, wanted: Filter, *, latest: bool) -> Condition:
    index = "versions_latest" if latest else "versions_all"
    where = ["latest = 1"] if latest else []
    values: list[Value] = []
    for term in wanted.terms:
        condition = _condition(db, term)
        where.append(f"NOT ({condition.text})" if term.negated else f"({condition.text})")
        values += condition.values
    text = f"SELECT {what} FROM versions INDEXED BY {index}"
    return Condition(f"{text} WHERE {' AND '.join(where)}" if where else text, values)


def _condition(db: sqlite3.Connection, term: Term) -> Condition:
    if isinstance(term, Word):
        return Condition("instr(search, ?) > 0", [term.text])
    return _label(db, term) if isinstance(term, Label) else _field(term)


def _label(db: sqlite3.Connection, term: Label) -> Condition:
    if term.relation is Relation.EXISTS:
        found = db.execute("SELECT uses FROM label_names WHERE key = ?", (term.key,)).fetchall()
        return _having(term.key, None, [""], sum(row["uses"] for row in found))
    test = "instr(casefold(value), ?) > 0" if term.relation is Relation.CONTAINS else "value = ?"
    found = db.execute(
        f"SELECT value, uses FROM label_values WHERE key = ? AND {test}", (term.key, term.value)
    ).fetchall()
    values = [row["value"] for row in found]
    return _having(term.key, values, values, sum(row["uses"] for row in found))


def _having(key: str, listed: list[str] | None, marks: list[str], uses: int) -> Condition:
    """Versions with the label `key` and one of these values (`listed` None: any)."""
    if uses <= FEW or len(marks) > FEW:
        among = "" if listed is None else f" AND value IN ({', '.join('?' * len(listed))})"
        return Condition(
            f"id IN (SELECT version_id FROM labels WHERE key = ?{among})", [key, *(listed or ())]
        )
    end = "" if listed is None else "\x1f"
    return Condition(
        " OR ".join(["instr(marks, ?) > 0"] * len(marks)),
        [f"\x1f{key}\x1e{value}{end}" for value in marks],
    )


def _field(term: FieldTerm) -> Condition:
    if term.kind is Kind.FLAG:
        yes = "" if term.value else "NOT "
        return Condition(f"id {yes}IN (SELECT version_id FROM uses)")
    if term.name == "name":
        return Condition("instr(search, ?) BETWEEN 1 AND instr(search, char(10))", [term.value])
    if term.kind is Kind.TEXT:
        return _framework(str(term.value))
    if term.kind is Kind.AGE:
        return Condition(f"? - created {term.relation.value} ?", [time.time(), term.value])
    if term.name not in NUMBERS:
        return _nothing()
    return Condition(f"{term.name} {term.relation.value} ?", [term.value])


def _framework(part: str) -> Condition:
    named: list[Value] = [one.value for one in Framework if part in one.value.casefold()]
    if not named:
        return _nothing()
    return Condition(f"framework IN ({', '.join('?' * len(named))})", named)


def _nothing() -> Condition:
    """No row has it; a plain `0` would leave SQLite no use for the index that is named."""
    return Condition("id = 0")
