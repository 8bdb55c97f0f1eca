"""Changing what may change of a version: tags, description, resources, samples; new properties."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct, field, to_builtins

from backends.errors import Conflict
from backends.registry import checks, index
from backends.registry.records import ModelVersion
from backends.targets.records import Resources


class Update(Struct, frozen=True, kw_only=True):
    """What to change of one version; None leaves a field as it is."""

    add_tags: Mapping[str, str] = field(default_factory=dict)
    remove_tags: Sequence[str] = ()
    add_properties: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    resources: Resources | None = None
    sample_input: str | None = None
    sample_output: str | None = None


def apply_update(db: sqlite3.Connection, key: int, model: ModelVersion, update: Update) -> None:
    """Write an update and log each change.

    Raises:
        InvalidInput: values are wrong; all of them are named.
        Conflict: properties exist already; all of them are named.
    """
    _check(model, update)
    _change_tags(db, key, model, update)
    for name, value in update.add_properties.items():
        db.execute("INSERT INTO labels VALUES (?, 1, ?, ?)", (key, name, value))
        index.note(db, model.id, f"property {name}", None, value)
    _change_columns(db, key, model, update)
    index.refresh_text(db, key)
    index.touch(db)


def _check(model: ModelVersion, update: Update) -> None:
    texts = {
        "description": update.description,
        "sample input": update.sample_input,
        "sample output": update.sample_output,
    }
    problems = checks.text_problems(texts) + checks.label_problems("tag", update.add_tags)
    problems += checks.label_problems("property", update.add_properties)
    if update.resources is not None:
        problems += checks.resource_problems(update.resources)
    checks.raise_problems(f"{model.id} cannot be updated", problems)
    double = sorted(set(update.add_properties) & set(model.properties))
    if double:
        raise Conflict(
            f"{model.id} has the properties {', '.join(double)} already, and properties never "
            "change once they are set.",
            fix="Choose other names, or use tags.",
        )


def _change_tags(db: sqlite3.Connection, key: int, model: ModelVersion, update: Update) -> None:
    added = dict(update.add_tags)
    removed = [name for name in update.remove_tags if name in model.tags and name not in added]
    for name in (*removed, *added):
        before, after = model.tags.get(name), added.get(name)
        if before == after:
            continue
        db.execute(
            "DELETE FROM labels WHERE version_id = ? AND property = 0 AND key = ?", (key, name)
        )
        if after is not None:
            db.execute("INSERT INTO labels VALUES (?, 0, ?, ?)", (key, name, after))
        index.note(db, model.id, f"tag {name}", before, after)


def _change_columns(db: sqlite3.Connection, key: int, model: ModelVersion, update: Update) -> None:
    wanted = {
        "description": update.description,
        "sample_input": update.sample_input,
        "sample_output": update.sample_output,
        "resources": None if update.resources is None else _text(update.resources),
    }
    present = {
        "description": model.description,
        "sample_input": model.sample_input,
        "sample_output": model.sample_output,
        "resources": _text(model.resources),
    }
    for column, value in wanted.items():
        if value is None or value == present[column]:
            continue
        db.execute(f"UPDATE versions SET {column} = ? WHERE id = ?", (value, key))
        index.note(db, model.id, column, present[column], value)


def _text(resources: Resources) -> str:
    return json.dumps(to_builtins(resources))
