"""Rows of the index and the records they stand for; all of it in the caller's transaction."""

import getpass
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from backends.registry.records import (
    Framework,
    ModelFile,
    ModelRow,
    ModelSchema,
    ModelVersion,
    Source,
    Tensor,
)
from backends.targets.records import Resources

ROW_COLUMNS = """name, version, created, framework, framework_version, size, description,
  (SELECT json_group_object(key, value) FROM labels
     WHERE version_id = versions.id AND property = 0) AS tags,
  (SELECT count(*) FROM uses WHERE version_id = versions.id) AS used_by"""


def actor() -> str:
    """Who acts: the user's name, or id where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def next_version(db: sqlite3.Connection, name: str) -> int:
    """Count the name's versions up; a number is never given out twice."""
    found = db.execute(
        """INSERT INTO counters VALUES (?, 1)
           ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last""",
        (name,),
    )
    return int(found.fetchone()[0])


def insert(db: sqlite3.Connection, model: ModelVersion) -> None:
    """Write a new version: from now on it is its name's latest."""
    db.execute("UPDATE versions SET latest = 0 WHERE name = ? AND latest = 1", (model.name,))
    values = {
        "name": model.name,
        "version": model.version,
        "latest": 1,
        "created": model.created,
        "created_by": model.created_by,
        "description": model.description,
        "framework": model.framework.value,
        "framework_version": model.framework_version,
        "size": model.size,
        "digest": model.digest,
        "search": search_text(model.name, model.description),
        "marks": marks_text([*model.tags.items(), *model.properties.items()]),
        "resources": json.dumps(to_builtins(model.resources)),
        "model_schema": None if model.schema is None else _schema_text(model.schema),
        "schema_problem": model.schema_problem,
        "sample_input": model.sample_input,
        "sample_output": model.sample_output,
        "source_path": model.source.path,
        "experiment": model.source.experiment,
        "run_id": model.source.run_id,
        "verified": model.verified,
    }
    marks = ", ".join("?" * len(values))
    added = db.execute(
        f"INSERT INTO versions ({', '.join(values)}) VALUES ({marks})",
        tuple(values.values()),
    )
    key = added.lastrowid
    db.executemany(
        "INSERT INTO files VALUES (?, ?, ?, ?, ?)",
        [(key, f.path, f.size, f.sha256, json.dumps(f.executes_on_load)) for f in model.files],
    )
    for property_, labels in enumerate((model.tags, model.properties)):
        rows = [(key, property_, name, value) for name, value in labels.items()]
        db.executemany("INSERT INTO labels VALUES (?, ?, ?, ?)", rows)


def remove(db: sqlite3.Connection, key: int, name: str) -> None:
    """Take a version out; the highest that is left becomes the latest. Files' rows go with it."""
    db.execute("DELETE FROM labels WHERE version_id = ?", (key,))
    db.execute("DELETE FROM versions WHERE id = ?", (key,))
    db.execute(
        """UPDATE versions SET latest = 1 WHERE name = :name
           AND version = (SELECT max(version) FROM versions WHERE name = :name)""",
        {"name": name},
    )


def find(db: sqlite3.Connection, name: str, version: int | None) -> sqlite3.Row | None:
    """The row of one version, the highest when none is named."""
    if version is None:
        where, order = "name = ?", " ORDER BY version DESC LIMIT 1"
        found = db.execute(f"SELECT * FROM versions WHERE {where}{order}", (name,))
    else:
        found = db.execute("SELECT * FROM versions WHERE name = ? AND version = ?", (name, version))
    row: sqlite3.Row | None = found.fetchone()
    return row


def names(db: sqlite3.Connection, like: str, limit: int = 500) -> list[str]:
    """Names of models, those that begin like `like` first."""
    found = db.execute(
        """SELECT DISTINCT name FROM versions
           ORDER BY lower(substr(name, 1, 2)) = lower(substr(?, 1, 2)) DESC LIMIT ?""",
        (like, limit),
    )
    return [row["name"] for row in found]


def load(db: sqlite3.Connection, row: sqlite3.Row) -> ModelVersion:
    """The whole version of a row."""
    text = row["model_schema"]
    return ModelVersion(
        name=row["name"],
        version=row["version"],
        created=row["created"],
        created_by=row["created_by"],
        files=files(db, row["id"]),
        digest=row["digest"],
        description=row["description"],
        framework=Framework(row["framework"]),
        framework_version=row["framework_version"],
        tags=labels(db, row["id"], properties=False),
        properties=labels(db, row["id"], properties=True),
        resources=Resources(**json.loads(row["resources"])),
        schema=None if text is None else read_schema(json.loads(text)),
        schema_problem=row["schema_problem"],
        sample_input=row["sample_input"],
        sample_output=row["sample_output"],
        source=Source(path=row["source_path"], experiment=row["experiment"], run_id=row["run_id"]),
        verified=row["verified"],
    )


def files(db: sqlite3.Connection, key: int) -> tuple[ModelFile, ...]:
    """A version's files, by path."""
    rows = db.execute("SELECT * FROM files WHERE version_id = ? ORDER BY path", (key,))
    return tuple(
        ModelFile(
            path=row["path"],
            size=row["size"],
            sha256=row["sha256"],
            executes_on_load=tuple(json.loads(row["executes"])),
        )
        for row in rows
    )


def labels(db: sqlite3.Connection, key: int, *, properties: bool) -> Mapping[str, str]:
    """A version's tags, or its properties, by name."""
    found = db.execute(
        "SELECT key, value FROM labels WHERE version_id = ? AND property = ? ORDER BY key",
        (key, int(properties)),
    )
    return {row["key"]: row["value"] for row in found}


def row_record(row: sqlite3.Row) -> ModelRow:
    """The list's record of a row of `ROW_COLUMNS`."""
    return ModelRow(
        name=row["name"],
        version=row["version"],
        created=row["created"],
        framework=Framework(row["framework"]),
        framework_version=row["framework_version"],
        size=row["size"],
        tags=json.loads(row["tags"]),
        description=row["description"],
        used_by=row["used_by"],
    )


def services(db: sqlite3.Connection, key: int) -> tuple[str, ...]:
    """Services that use a version, by name."""
    found = db.execute("SELECT service FROM uses WHERE version_id = ? ORDER BY service", (key,))
    return tuple(row["service"] for row in found)


def unreferenced(db: sqlite3.Connection, digests: Sequence[str]) -> list[str]:
    """Those of `digests` that no version has a file of."""
    return [
        sha256
        for sha256 in digests
        if db.execute("SELECT 1 FROM files WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone() is None
    ]


def note(
    db: sqlite3.Connection, model: str, field: str, before: str | None, after: str | None
) -> None:
    """Log one change of one field of the version `model` (`name:version`)."""
    db.execute(
        "INSERT INTO changes (at, actor, model, field, before, after) VALUES (?, ?, ?, ?, ?, ?)",
        (time.time(), actor(), model, field, before, after),
    )


def touch(db: sqlite3.Connection) -> None:
    """Count the index's changes, for whoever asks whether there were any."""
    db.execute("UPDATE stamp SET value = value + 1")


def search_text(name: str, description: str) -> str:
    """What words of a filter are looked for in."""
    return f"{name}\n{description}".casefold()


def _schema_text(schema: ModelSchema) -> str:
    return json.dumps(to_builtins(schema))


def marks_text(labels: Iterable[tuple[str, str]]) -> str:
    """What labels of a filter are looked for in; no key or value holds these separators."""
    return "".join(f"\x1f{key}\x1e{value}" for key, value in labels) + "\x1f"


def refresh_text(db: sqlite3.Connection, key: int) -> None:
    """Write a version's searched text anew after its labels or description changed."""
    row = db.execute("SELECT name, description FROM versions WHERE id = ?", (key,)).fetchone()
    found = db.execute("SELECT key, value FROM labels WHERE version_id = ?", (key,)).fetchall()
    db.execute(
        "UPDATE versions SET search = ?, marks = ? WHERE id = ?",
        (search_text(row["name"], row["description"]), marks_text(map(tuple, found)), key),
    )


def read_schema(found: Mapping[str, Any]) -> ModelSchema:
    """The record of a schema's JSON object."""
    return ModelSchema(
        inputs=_tensors(found["inputs"]),
        outputs=_tensors(found["outputs"]),
        opset=found["opset"],
        producer=found["producer"],
        metadata=dict(found["metadata"]),
    )


def _tensors(found: Sequence[Mapping[str, Any]]) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(name=str(one["name"]), dtype=str(one["dtype"]), shape=tuple(one["shape"]))
        for one in found
    )
