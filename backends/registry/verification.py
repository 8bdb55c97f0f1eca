"""Re-hashing what is stored."""

import time
from collections.abc import Callable, Sequence

from backends.database import Database
from backends.errors import PilothouseError
from backends.registry import index
from backends.registry.blobs import BlobStore
from backends.registry.copying import hashed, opened
from backends.registry.records import Damage, ModelFile, VerifyReport


def verify(
    database: Database,
    blobs: BlobStore,
    keys: Sequence[int],
    progress: Callable[[int, int], None] | None,
) -> VerifyReport:
    """Read every blob of the versions `keys` once; note the time on those that are whole."""
    files = _files(database, keys)
    sizes = {file.sha256: file.size for _, _, file in files}
    total, done = sum(sizes.values()), 0
    problems: dict[str, str] = {}

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    for sha256 in sizes:
        problems[sha256] = _problem(blobs, sha256, advance)
    damaged = [(key, name, file) for key, name, file in files if problems[file.sha256]]
    _note(database, set(keys) - {key for key, _, _ in damaged})
    return VerifyReport(
        versions=len(keys),
        files=len(sizes),
        size=done,
        damaged=tuple(
            Damage(id=name, path=file.path, sha256=file.sha256, problem=problems[file.sha256])
            for _, name, file in damaged
        ),
    )


def _files(database: Database, keys: Sequence[int]) -> list[tuple[int, str, ModelFile]]:
    found = []
    with database.read() as db:
        for key in keys:
            row = db.execute("SELECT name, version FROM versions WHERE id = ?", (key,)).fetchone()
            if row is not None:
                id_ = f"{row['name']}:{row['version']}"
                found += [(key, id_, file) for file in index.files(db, key)]
    return found


def _problem(blobs: BlobStore, sha256: str, progress: Callable[[int], None]) -> str:
    path = blobs.path(sha256)
    if not path.exists():
        return "missing"
    try:
        with opened(path) as handle:
            _, found = hashed(handle, progress)
    except (PilothouseError, OSError) as error:
        return f"cannot be read: {error}"
    return "" if found == sha256 else f"hashes to {found}"


def _note(database: Database, whole: set[int]) -> None:
    with database.write() as db:
        now = time.time()
        db.executemany("UPDATE versions SET verified = ? WHERE id = ?", [(now, k) for k in whole])
        index.touch(db)
