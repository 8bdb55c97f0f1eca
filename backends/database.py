"""The workspace's SQLite file: short transactions, safe for several consoles at once."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from backends.errors import Unavailable

BUSY_SECONDS = 30.0
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smbfs", "smb3", "9p", "virtiofs", "fuse.sshfs", "afpfs", "ceph"}
)
"""Shared memory between processes does not work there, and WAL needs it (sqlite.org/wal.html)."""


def on_network_file_system(path: Path) -> bool:
    """Whether `path` lies on a file system that other machines may write to."""
    mounts = [(Path(m.mountpoint), m.fstype) for m in psutil.disk_partitions(all=True)]
    own = [(mount, kind) for mount, kind in mounts if path.resolve().is_relative_to(mount)]
    _, kind = max(own, key=lambda pair: len(pair[0].parts), default=(path, ""))
    return kind in NETWORK_FILE_SYSTEMS


class Database:
    """One SQLite file. A connection a thread; writers queue on `BEGIN IMMEDIATE`.

    Raises:
        Unavailable: another process held the write lock for `BUSY_SECONDS`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        if not path.exists():
            self._create()

    def migrate(self, room: str, scripts: Sequence[str]) -> None:
        """Bring one room's tables to `len(scripts)`: each script runs once per file, ever."""
        if self._version(room) >= len(scripts):
            return
        with self.write() as db:
            done = self._version(room)
            for number, script in enumerate(scripts[done:], start=done + 1):
                for statement in _statements(script):
                    db.execute(statement)
                db.execute("INSERT OR REPLACE INTO migrations VALUES (?, ?)", (room, number))

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection; rows are `sqlite3.Row`."""
        yield self._connection()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, begun with the write lock held; rolled back on any exception."""
        db = self._connection()
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as busy:
            raise Unavailable(
                f"{self.path} is locked by another process for more than {BUSY_SECONDS:.0f} s.",
                fix="End the process that holds it, then try again.",
            ) from busy
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._guard:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()

    def _version(self, room: str) -> int:
        found = self._connection().execute("SELECT version FROM migrations WHERE room = ?", (room,))
        row = found.fetchone()
        return int(row[0]) if row else 0

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _open(self.path)
            self._local.connection = connection
            with self._guard:
                self._all.append(connection)
        return connection

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_open(self.path)) as db:
            mode = "DELETE" if on_network_file_system(self.path.parent) else "WAL"
            db.execute(f"PRAGMA journal_mode = {mode}")
            db.execute("CREATE TABLE IF NOT EXISTS migrations (room TEXT PRIMARY KEY, version INT)")


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _statements(script: str) -> list[str]:
    """Split a script at the semicolons that end a statement."""
    found, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found
