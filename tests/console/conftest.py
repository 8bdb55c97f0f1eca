import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.workspace import Workspace
from console.app.app import PilothouseApp
from console.clock import Clock, system_clock
from console.settings import Settings
from tests.support.pilots import fill, still

Starter = Callable[..., PilothouseApp]


@pytest.fixture(autouse=True)
def plain_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """State and settings in a folder of the test; a truecolour terminal in UTC; no SSH."""
    monkeypatch.setenv("PILOTHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PILOTHOUSE_CONFIG", str(tmp_path / "config"))
    for name in ("NO_COLOR", "SSH_CONNECTION", "TMUX", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose workspace `factory-north` has a few real models; copied for each test."""
    home = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PILOTHOUSE_HOME", str(home))
        opened = Workspace.open("factory-north")
        fill(opened.registry, home / "sources")
        opened.close()
    return home


@pytest.fixture
def workspace(filled_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with a few real models, of this test alone."""
    shutil.copytree(filled_home, tmp_path / "home")
    opened = Workspace.open("factory-north")
    yield opened
    opened.close()


@pytest.fixture
def empty_workspace() -> Iterator[Workspace]:
    """A workspace with nothing in it."""
    opened = Workspace.open("empty")
    yield opened
    opened.close()


@pytest.fixture
def start() -> Iterator[Starter]:
    """Make the app on a workspace with a still clock; in the end it must have had no fault."""
    apps: list[PilothouseApp] = []

    def make(
        workspace: Workspace,
        *,
        theme: str = "dark",
        mode: str = "models",
        clock: Clock | None = None,
    ) -> PilothouseApp:
        if clock is None:
            clock = still(workspace.registry) if workspace.registry.rows() else system_clock
        settings = Settings(theme=theme)
        app = PilothouseApp(workspace, settings=settings, clock=clock, start=mode)
        apps.append(app)
        return app

    yield make
    assert [fault for app in apps for fault in app.faults] == []
