"""A namespace of its own for every test of the cluster, and what a test asks of it directly."""

import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.settings import Settings
from backends.targets.records import ServiceSpec
from tests.support.clusters import Specify, namespace, specified


@pytest.fixture
async def api() -> AsyncGenerator[Api, None]:
    """The cluster, with every right."""
    found = Api(Settings())
    yield found
    await found.aclose()


@pytest.fixture
async def target() -> AsyncGenerator[TargetRecord, None]:
    async with namespace() as name:
        workspace = f"test-{secrets.token_hex(4)}"
        yield TargetRecord(
            name="cluster", kind="aks", workspace=workspace, settings={"namespace": name}
        )


@pytest.fixture
async def driver(target: TargetRecord) -> AsyncGenerator[Driver, None]:
    async with open_driver(target) as found:
        yield found


@pytest.fixture
def specify(target: TargetRecord, tmp_path: Path) -> Specify:
    """The spec of a service `web` with an entry script, its image on the node."""

    async def make(script: str, **more: Any) -> ServiceSpec:
        return await specified(target, tmp_path, script, **more)

    return make
