"""The model registry of one workspace: blobs below its root, an index in its database.

Blocking and thread-safe. A version exists when its row does, and only then; its files were
flushed to disk before that.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from backends.database import Database
from backends.errors import InvalidInput, NotFound, Refused
from backends.filters import Filter, Vocabulary
from backends.registry import checks, index, queries
from backends.registry.blobs import BlobStore
from backends.registry.differences import difference
from backends.registry.labels import Update, apply_update
from backends.registry.output import Output
from backends.registry.records import (
    ModelRow,
    ModelVersion,
    Registration,
    VerifyReport,
    VersionDiff,
)
from backends.registry.schema import SCRIPTS
from backends.registry.sources import find_files
from backends.registry.verification import verify
from backends.registry.vocabulary import IndexVocabulary
from backends.targets.records import Resources

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in total."""


class Registry:
    """Versioned models, named `name` or `name:version`."""

    def __init__(self, root: Path, database: Database) -> None:
        self._root = root
        self._database = database
        database.migrate("registry", SCRIPTS)
        self._blobs = BlobStore(root)
        self._blobs.sweep(self._collect)

    # ---------------------------------------------------------------- registering

    def register(self, request: Registration, progress: Progress | None = None) -> ModelVersion:
        """Store a new version: all of it, or nothing.

        Raises:
            InvalidInput: fields or files are wrong; all that is wrong is named.
            Refused: files are unsafe (links that leave the folder, devices …).
            NotFound: the asset of a run is at none of the places where it may be.
            Conflict: a file changed while it was being read.
        """
        from backends.registry.intake import take_in

        found = find_files(checks.locate(request, self._root), request.child_paths)
        checks.check(request, found)
        with self._blobs.stage() as stage:
            draft = take_in(stage, request, tuple(found.files.values()), progress)
            stage.announce()
            with self._database.write(durable=True) as db:
                stage.publish()
                number = index.next_version(db, request.name)
                model = replace(draft, version=number, created=time.time())
                index.insert(db, model)
                index.touch(db)
        return model

    # ---------------------------------------------------------------- reading

    def get(self, name: str, version: int | None = None) -> ModelVersion:
        """One version; the newest when none is named.

        Raises:
            NotFound: with the names or versions that come near.
        """
        with self._database.read() as db:
            return index.load(db, self._row(db, name, version))

    def resolve(self, reference: str) -> ModelVersion:
        """The version that `name` or `name:version` means.

        Raises:
            NotFound: there is none.
        """
        return self.get(*split_reference(reference))

    def rows(
        self,
        *,
        name: str = "",
        tags: Sequence[str] = (),
        properties: Sequence[str] = (),
        run_id: str = "",
        latest: bool = False,
    ) -> tuple[ModelRow, ...]:
        """Rows as `az ml model list` picks them, newest first.

        A tag or property is `key` (it exists) or `key=value`; all must hold.
        """
        where = queries.listing(name=name, tags=tags, properties=properties, run_id=run_id)
        query = queries.chosen(where, latest=latest, columns=index.ROW_COLUMNS)
        with self._database.read() as db:
            return _rows(db, query)

    def search(
        self, filter: Filter, *, latest: bool, offset: int = 0, limit: int = 100
    ) -> tuple[ModelRow, ...]:
        """Rows that a filter lets through, newest first."""
        with self._database.read() as db:
            query = queries.page(db, filter, latest=latest, columns=index.ROW_COLUMNS)
            return _rows(db, query, limit, offset)

    def count(self, filter: Filter, *, latest: bool) -> int:
        """How many rows a filter lets through."""
        with self._database.read() as db:
            query = queries.total(db, filter, latest=latest)
            return int(db.execute(query.text, query.values).fetchone()[0])

    def versions(self, name: str) -> tuple[ModelRow, ...]:
        """All versions of one model, newest first."""
        return self.rows(name=name)

    def stamp(self) -> int:
        """A number that is another one after any process changed the index."""
        with self._database.read() as db:
            return int(db.execute("SELECT value FROM stamp").fetchone()[0])

    def vocabulary(self) -> Vocabulary:
        """What completion of a filter asks for names and values."""
        return IndexVocabulary(self._database)

    # ---------------------------------------------------------------- use

    def claim(self, service: str, references: Sequence[str]) -> None:
        """Make these the versions that `service` uses, in place of the ones before.

        Raises:
            NotFound: one of them does not exist; nothing has changed then.
        """
        with self._database.write(durable=True) as db:
            db.execute("DELETE FROM uses WHERE service = ?", (service,))
            for reference in references:
                key = self._key(db, *split_reference(reference))
                db.execute("INSERT OR IGNORE INTO uses VALUES (?, ?)", (key, service))
            index.touch(db)

    def release(self, service: str) -> None:
        """`service` uses no model any more."""
        self.claim(service, ())

    def used_by(self, id: str) -> tuple[str, ...]:
        """Services that use a version, by name."""
        with self._database.read() as db:
            return index.services(db, self._key(db, *split_reference(id)))

    def materialize(self, id: str, folder: Path) -> None:
        """Write a version's files below `folder`, read-only and sharing the stored bytes.

        Raises:
            Conflict: one of them exists already.
            IntegrityError: a stored file is missing.
        """
        Output(self._blobs, self.resolve(id)).materialize(folder)

    # ---------------------------------------------------------------- changing

    def update(
        self,
        id: str,
        *,
        add_tags: Mapping[str, str] | None = None,
        remove_tags: Sequence[str] = (),
        add_properties: Mapping[str, str] | None = None,
        description: str | None = None,
        resources: Resources | None = None,
        sample_input: str | None = None,
        sample_output: str | None = None,
    ) -> ModelVersion:
        """Change what may change of a version; None leaves a field as it is.

        Raises:
            InvalidInput: values are wrong; all of them are named.
            Conflict: a property exists already; all such are named.
        """
        update = Update(
            add_tags=add_tags or {},
            remove_tags=remove_tags,
            add_properties=add_properties or {},
            description=description,
            resources=resources,
            sample_input=sample_input,
            sample_output=sample_output,
        )
        with self._database.write(durable=True) as db:
            row = self._row(db, *split_reference(id))
            apply_update(db, row["id"], index.load(db, row), update)
            return index.load(db, self._row(db, row["name"], row["version"]))

    def delete(self, id: str) -> None:
        """Remove a version, and its bytes where no other version has them.

        Raises:
            Refused: services use it; they are named.
            InvalidInput: `id` names no version.
        """
        name, version = split_reference(id)
        if version is None:
            raise InvalidInput(
                f"{id} names no version: nothing was deleted.", fix=f"Say which one: {id}:1."
            )
        with self._blobs.stage() as stage:
            digests = [file.sha256 for file in self.get(name, version).files]
            stage.intend(digests)
            with self._database.write(durable=True) as db:
                key = self._key(db, name, version)
                self._refuse_if_used(id, index.services(db, key))
                index.remove(db, key, name)
                index.note(db, id, "deleted", id, None)
                index.touch(db)
            self._collect(digests)

    def download(self, id: str, target: Path, *, overwrite: bool = False) -> Path:
        """Write a version's files below `target`, byte for byte.

        With `overwrite` files of the same names are replaced; others that lie there stay.

        Returns:
            The file of a single-file model, the model's own folder otherwise.

        Raises:
            Conflict: that exists already and `overwrite` is not given.
            IntegrityError: stored bytes are missing or changed; nothing is written then.
        """
        return Output(self._blobs, self.resolve(id)).download(target, overwrite=overwrite)

    def verify(self, id: str | None = None, progress: Progress | None = None) -> VerifyReport:
        """Re-hash one version, or all; those found whole get the time noted."""
        with self._database.read() as db:
            if id is None:
                keys = [row["id"] for row in db.execute("SELECT id FROM versions ORDER BY id")]
            else:
                keys = [self._key(db, *split_reference(id))]
        return verify(self._database, self._blobs, keys, progress)

    def diff(self, older_id: str, newer_id: str) -> VersionDiff:
        """What changed from one version to another, of the same model or not."""
        return difference(self.resolve(older_id), self.resolve(newer_id))

    # ---------------------------------------------------------------- private

    def _row(self, db: sqlite3.Connection, name: str, version: int | None) -> sqlite3.Row:
        row = index.find(db, name, version)
        if row is None:
            raise self._missing(db, name, version)
        return row

    def _key(self, db: sqlite3.Connection, name: str, version: int | None) -> int:
        return int(self._row(db, name, version)["id"])

    def _missing(self, db: sqlite3.Connection, name: str, version: int | None) -> NotFound:
        found = db.execute("SELECT version FROM versions WHERE name = ? ORDER BY version", (name,))
        versions = [str(row["version"]) for row in found]
        if versions:
            shown = ", ".join(versions[-10:])
            return NotFound(f"{name} has no version {version}.", fix=f"There are: {shown}.")
        return NotFound(f"No model is named {name}.", fix=checks.near(name, index.names(db, name)))

    def _refuse_if_used(self, id: str, services: Sequence[str]) -> None:
        if services:
            raise Refused(
                f"{id} is used by {', '.join(services)}: it cannot be deleted.",
                fix="Delete these services, or update them to another version, first.",
            )

    def _collect(self, digests: Iterable[str]) -> None:
        """Remove those blobs that no version has."""
        with self._database.write() as db:
            self._blobs.drop(index.unreferenced(db, tuple(digests)))


def split_reference(reference: str) -> tuple[str, int | None]:
    """`name` or `name:version` taken apart.

    Raises:
        InvalidInput: what follows the colon is no version.
    """
    name, colon, version = reference.partition(":")
    if not colon:
        return name, None
    if not (
        version.isascii() and version.isdigit() and int(version[:18]) > 0 and len(version) < 18
    ):
        raise InvalidInput(
            f"{reference!r}: {version!r} is not a version.", fix=f"Write {name}:1, or {name} alone."
        )
    return name, int(version)


def _rows(db: sqlite3.Connection, query: queries.Condition, *more: int) -> tuple[ModelRow, ...]:
    return tuple(index.row_record(row) for row in db.execute(query.text, [*query.values, *more]))
