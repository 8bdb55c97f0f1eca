import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.demo import register_demo
from backends.workspace import Workspace

SCORE = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, which is the current one."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose workspace holds the models that ship; made once, copied for each test."""
    home = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PILOTHOUSE_HOME", str(home))
        opened = Workspace.open("factory-north")
        register_demo(opened.registry)
        opened.close()
    return home


@pytest.fixture
def workspace(
    tmp_path: Path, filled: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A workspace with the models that ship."""
    shutil.copytree(filled, tmp_path / "home")
    monkeypatch.setenv("PILOTHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PILOTHOUSE_CONFIG", str(tmp_path / "config"))
    opened = Workspace.open("factory-north")
    yield opened
    opened.close()
