"""An open engine for tests of the Docker target."""

from collections.abc import AsyncGenerator

import pytest

from backends.engines.addresses import resolve
from backends.engines.engine import Engine
from tests.support.containers import SOCKET


@pytest.fixture
async def engine() -> AsyncGenerator[Engine, None]:
    async with Engine(resolve({"url": f"unix://{SOCKET}"})) as engine:
        yield engine
