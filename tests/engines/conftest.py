"""Engines: the real one, and none, in places of the test's own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from backends.engines.addresses import resolve
from backends.engines.engine import Engine
from tests.support.containers import SOCKET


@pytest.fixture
async def engine() -> AsyncGenerator[Engine, None]:
    async with Engine(resolve({"url": f"unix://{SOCKET}"})) as engine:
        yield engine


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment without an engine: empty home, empty runtime folder."""
    home, runtime = tmp_path / "home", tmp_path / "run"
    home.mkdir()
    runtime.mkdir()
    return {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
