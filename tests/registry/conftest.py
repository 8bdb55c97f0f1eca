"""A workspace with a registry, and files to register."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.database import Database
from backends.registry.registry import Registry


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The workspace's folder."""
    return tmp_path / "workspace"


@pytest.fixture
def registry(root: Path) -> Iterator[Registry]:
    """An empty registry."""
    database = Database(root / "workspace.db")
    yield Registry(root, database)
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder model of several files."""
    models = tmp_path / "models"
    (models / "parts").mkdir(parents=True)
    (models / "model.h5").write_bytes(b"weights" * 1000)
    (models / "parts" / "vocabulary.txt").write_text("a\nb\n")
    (models / "copy.h5").write_bytes(b"weights" * 1000)
    (models / "empty").write_bytes(b"")
    return models


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A model of one file."""
    path = tmp_path / "model.dat"
    path.write_bytes(b"one file")
    return path
