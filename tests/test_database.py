"""The workspace's SQLite file under threads, processes and failures."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backends.database import Database
from backends.errors import IntegrityError, Unavailable

SCRIPTS = ("CREATE TABLE things (name TEXT); CREATE TABLE more (n INT);",)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(tmp_path / "deep" / "workspace.db")
    made.migrate("room", SCRIPTS)
    return made


def names(database: Database) -> list[str]:
    with database.read() as db:
        return [row["name"] for row in db.execute("SELECT name FROM things ORDER BY name")]


def test_transaction_is_kept_whole(database: Database) -> None:
    with database.write() as db:
        db.execute("INSERT INTO things VALUES ('a')")
    assert names(Database(database.path)) == ["a"]


@pytest.mark.parametrize("durable", [False, True])
def test_failed_transaction_leaves_nothing(database: Database, durable: bool) -> None:
    with pytest.raises(KeyboardInterrupt), database.write(durable=durable) as db:
        db.execute("INSERT INTO things VALUES ('a')")
        raise KeyboardInterrupt
    assert names(database) == []
    with database.write() as db:
        db.execute("INSERT INTO things VALUES ('b')")
    assert names(database) == ["b"]


def test_each_script_runs_once(database: Database) -> None:
    again = Database(database.path)
    again.migrate("room", (*SCRIPTS, "ALTER TABLE things ADD COLUMN size INT"))
    again.migrate("room", (*SCRIPTS, "ALTER TABLE things ADD COLUMN size INT"))
    again.migrate("other", ("CREATE TABLE others (n INT)",))
    with again.read() as db:
        assert [row["name"] for row in db.execute("PRAGMA table_info(things)")] == ["name", "size"]


def test_failed_script_leaves_the_room_as_it_was(database: Database) -> None:
    broken = "CREATE TABLE half (n INT); CREATE TABLE half (n INT);"
    with pytest.raises(sqlite3.OperationalError):
        database.migrate("room", (*SCRIPTS, broken))
    with database.read() as db:
        assert not list(db.execute("PRAGMA table_info(half)"))
    database.migrate("room", (*SCRIPTS, "CREATE TABLE half (n INT);"))


def test_threads_write_in_turn(database: Database) -> None:
    def add(number: int) -> None:
        for step in range(20):
            with database.write() as db:
                db.execute("INSERT INTO things VALUES (?)", (f"{number}-{step}",))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(database)) == 160


def test_connections_of_ended_threads_are_closed(database: Database) -> None:
    connections: list[sqlite3.Connection] = []

    def look() -> None:
        with database.read() as db:
            connections.append(db)

    for _ in range(20):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    look()
    still = []
    for connection in connections[:-2]:
        try:
            connection.execute("SELECT 1")
            still.append(connection)
        except sqlite3.ProgrammingError:
            continue
    assert still == []
    assert connections[-1].execute("SELECT 1").fetchone()[0] == 1


def test_closed_database_opens_again(database: Database) -> None:
    database.close()
    assert names(database) == []


def test_processes_that_open_a_new_file_at_once_all_succeed(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from backends.database import Database
database = Database(Path(sys.argv[1]))
database.migrate("room", ("CREATE TABLE things (name TEXT);",))
with database.write(durable=True) as db:
    db.execute("INSERT INTO things VALUES ('x')")
"""
    words = [sys.executable, "-c", code, str(tmp_path / "w" / "workspace.db")]
    processes = [subprocess.Popen(words) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6
    assert names(Database(tmp_path / "w" / "workspace.db")) == ["x"] * 6


def test_a_full_disk_undoes_the_transaction_and_says_so(database: Database) -> None:
    with database.read() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(Unavailable, match="full"), database.write() as db:
        db.execute("INSERT INTO things VALUES (?)", ("x" * 100_000,))
    assert names(database) == []
    with database.write() as db:
        db.execute("INSERT INTO things VALUES ('a')")
    assert names(database) == ["a"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(IntegrityError, match=r"workspace\.db is damaged"):
        Database(path).migrate("room", SCRIPTS)
