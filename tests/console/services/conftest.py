from collections.abc import Callable, Iterator

import pytest

from backends.services.store import Store
from backends.workspace import Workspace
from console.app.app import PilothouseApp
from console.settings import Settings
from tests.support.storedservices import NOW

Console = Callable[..., PilothouseApp]


@pytest.fixture
def store(workspace: Workspace) -> Store:
    """The records of the workspace's services."""
    return Store(workspace.database)


@pytest.fixture
def console(workspace: Workspace) -> Iterator[Console]:
    """Make the app on Services at a fixed moment; in the end it must have had no fault."""
    apps: list[PilothouseApp] = []

    def make(theme: str = "dark", *, read_only: bool = False) -> PilothouseApp:
        settings = Settings(theme=theme, read_only=read_only)
        app = PilothouseApp(workspace, settings=settings, clock=lambda: NOW, start="services")
        apps.append(app)
        return app

    yield make
    assert [fault for app in apps for fault in app.faults] == []
