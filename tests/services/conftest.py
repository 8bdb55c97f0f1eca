"""A workspace of its own for each test, on the real process target."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.workspace import Workspace


@pytest.fixture
async def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    """An empty workspace; its services are gone at the end, however the test ended."""
    monkeypatch.setenv("PILOTHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    opened = Workspace.open("test")
    yield opened
    for service in opened.services.list():
        await opened.services.delete(service.name)
    await opened.aclose()
