"""Processes that register at once, and ones that are killed at any moment of it."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

from tests.support import registering
from tests.support.registering import open_registry, staged, stored_blobs

FULL = bool(os.environ.get("PILOTHOUSE_FULL"))
KILLS = 1000 if FULL else 60
A_TURN = 20
"""Kills between two looks at the whole registry."""
SPREAD_SECONDS = 0.25
"""Latest moment of a kill after its process is ready; a few registrations take that long."""


@pytest.fixture
def big_model(tmp_path: Path) -> Path:
    """A folder model that takes a while: several files, some megabytes."""
    folder = tmp_path / "big"
    folder.mkdir()
    for number in range(6):
        (folder / f"part-{number}").write_bytes(os.urandom(700_000))
    return folder


@contextmanager
def child(root: Path, model: Path, *, life: float | None = None) -> Iterator[IO[str]]:
    """What a process says that registers on and on; killed on leaving, or `life` seconds later."""
    words = [sys.executable, "-m", registering.__name__, str(root), "x", str(model), "1000"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout
        with suppress(subprocess.TimeoutExpired):
            process.wait(life or 0)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_eight_processes_register_one_name_at_once(root: Path, big_model: Path) -> None:
    words = [sys.executable, "-m", registering.__name__, str(root), "same", str(big_model), "6"]
    processes = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    said = [process.communicate()[0].split() for process in processes]
    assert all(process.returncode == 0 for process in processes)
    numbers = [int(word) for words in said for word in words[1:]]
    assert sorted(numbers) == list(range(1, 49))
    registry = open_registry(root)
    assert [row.version for row in registry.rows(name="same")] == list(range(48, 0, -1))
    assert len(registry.rows(name="same", latest=True)) == 1
    assert len(stored_blobs(root)) == 6
    assert registry.verify().ok
    assert staged(root) == []


def check_whole(root: Path, model: Path) -> int:
    """Only whole versions are there, and nothing else; how many."""
    registry = open_registry(root)
    report = registry.verify()
    assert report.ok
    rows = registry.rows(name="x")
    wanted = [f"big/{path.name}" for path in sorted(model.iterdir())]
    digests = set()
    for row in rows:
        version = registry.get("x", row.version)
        assert [file.path for file in version.files] == wanted
        digests |= {file.sha256 for file in version.files}
    assert len({row.version for row in rows}) == len(rows)
    assert stored_blobs(root) == digests
    assert staged(root) == []
    return len(rows)


@pytest.mark.timeout(3600 if FULL else 120)
def test_killed_registration_leaves_a_whole_version_or_nothing(
    root: Path, big_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(7)
    hit = kept = 0
    open_registry(root)
    for turn in range(KILLS):
        (big_model / "part-0").write_bytes(os.urandom(700_000))
        if turn % A_TURN == 0:
            delete_all(root)
        with child(root, big_model, life=chance.random() * SPREAD_SECONDS) as said:
            assert said.readline() == "ready\n"
        hit += bool(staged(root))
        if turn % A_TURN == A_TURN - 1:
            kept += check_whole(root, big_model)
    assert hit, "no kill hit a registration: the test says nothing"
    if FULL:
        with capsys.disabled():
            print(f"\n{KILLS} kills, {hit} of them inside a registration: {kept} whole versions")


def delete_all(root: Path) -> None:
    """Remove every version, so that a look at the whole stays short."""
    registry = open_registry(root)
    for row in registry.rows(name="x"):
        registry.delete(row.id)
    assert stored_blobs(root) == set()


def test_stage_of_a_dead_process_is_swept_by_the_next(root: Path, big_model: Path) -> None:
    registry = open_registry(root)
    chance = random.Random(11)
    left = 0
    for _ in range(40):
        with child(root, big_model, life=chance.random() * SPREAD_SECONDS) as said:
            said.readline()
        left = max(left, len(staged(root)))
        if left:
            break
    assert left, "no kill hit a registration: the test says nothing"
    assert registry.verify().ok
    open_registry(root)
    assert staged(root) == []


def test_process_says_a_version_only_when_it_is_there_for_good(root: Path, big_model: Path) -> None:
    open_registry(root)
    with child(root, big_model) as said:
        assert [said.readline() for _ in range(4)] == ["ready\n", "1\n", "2\n", "3\n"]
    assert check_whole(root, big_model) >= 3


FULL_DISK = """
import resource, sys
from pathlib import Path
from backends.errors import PilothouseError
from backends.registry.records import Registration
from tests.support.registering import open_registry
registry = open_registry(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    registry.register(Registration(name="x", path=sys.argv[2]))
except PilothouseError as error:
    print(error.what, error.fix)
"""


def test_failing_disk_leaves_nothing_and_is_said(root: Path, big_model: Path) -> None:
    words = [sys.executable, "-c", FULL_DISK, str(root), str(big_model)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "could not be copied" in done.stdout
    registry = open_registry(root)
    assert (registry.rows(), stored_blobs(root), staged(root)) == ((), set(), [])
