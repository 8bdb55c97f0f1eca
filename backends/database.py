"""The workspace's SQLite file: short transactions, safe for several consoles at once."""

import fcntl
import re
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from backends.errors import IntegrityError, Unavailable

BUSY_SECONDS = 30.0
UNWRITABLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smbfs", "smb3", "9p", "virtiofs", "fuse.sshfs", "afpfs", "ceph"}
)
"""Shared memory between processes does not work there, and WAL needs it (sqlite.org/wal.html)."""


def on_network_file_system(path: Path) -> bool:
    """Whether `path` lies on a file system that other machines may write to."""
    import psutil

    mounts = [(Path(m.mountpoint), m.fstype) for m in psutil.disk_partitions(all=True)]
    own = [(mount, kind) for mount, kind in mounts if path.resolve().is_relative_to(mount)]
    _, kind = max(own, key=lambda pair: len(pair[0].parts), default=(path, ""))
    return kind in NETWORK_FILE_SYSTEMS


class Database:
    """One SQLite file. A connection a thread; writers queue on `BEGIN IMMEDIATE`.

    Raises:
        Unavailable: another process held the write lock for `BUSY_SECONDS`, or the disk is full.
        IntegrityError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._open: list[tuple[weakref.ref[threading.Thread], sqlite3.Connection]] = []
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
    def write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction, begun with the write lock held; rolled back on any exception.

        With `durable` it survives a power cut once it returned, for the price of one fsync;
        without, a power cut may undo the last few transactions, each of them whole.
        """
        db = self._connection()
        if durable:
            db.execute("PRAGMA synchronous = FULL")
        try:
            with _transaction(db, self.path):
                yield db
        finally:
            if durable:
                db.execute("PRAGMA synchronous = NORMAL")

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._guard:
            for _, connection in self._open:
                connection.close()
            self._open.clear()
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
                self._close_of_ended_threads()
                self._open.append((weakref.ref(threading.current_thread()), connection))
        return connection

    def _close_of_ended_threads(self) -> None:
        """A console starts many short threads; their connections must not pile up."""
        kept = []
        for owner, connection in self._open:
            thread = owner()
            if thread is not None and thread.is_alive():
                kept.append((owner, connection))
            else:
                connection.close()
        self._open = kept

    def _create(self) -> None:
        """Make the file once: the lock keeps a second process from opening it half made."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.path.exists():
                return
            staged = self.path.with_suffix(".new")
            staged.unlink(missing_ok=True)
            with closing(_open(staged)) as db:
                mode = "DELETE" if on_network_file_system(self.path.parent) else "WAL"
                db.execute(f"PRAGMA journal_mode = {mode}")
                db.execute("CREATE TABLE migrations (room TEXT PRIMARY KEY, version INT)")
            staged.rename(self.path)


@contextmanager
def _transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as busy:
        raise Unavailable(
            f"{path} could not be locked for writing within {BUSY_SECONDS:.0f} s: {busy}.",
            fix="End the process that holds it, then try again.",
        ) from busy
    try:
        yield
        db.execute("COMMIT")
    except BaseException as broken:
        if db.in_transaction:  # a full disk has rolled back already
            db.execute("ROLLBACK")
        if isinstance(broken, sqlite3.Error) and _primary_code(broken) in UNWRITABLE:
            raise Unavailable(
                f"{path} could not be written: {broken}.",
                fix="Check the free space and the rights of its folder.",
            ) from broken
        raise


def _primary_code(error: sqlite3.Error) -> int:
    """Without what SQLite's extended codes add (sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.DatabaseError as broken:
        connection.close()
        if _primary_code(broken) not in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
            raise
        raise IntegrityError(
            f"{path} is damaged: {broken}.",
            fix="Put a copy of it back, or move it away: services are found again, models are not.",
        ) from broken
    return connection


def _statements(script: str) -> list[str]:
    """Split a script at the semicolons that end a statement."""
    found, current = [], ""
    for piece in re.split(r"(?<=;)", script):
        current += piece
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return [*found, current] if current.strip() else found
