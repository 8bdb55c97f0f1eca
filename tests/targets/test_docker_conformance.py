"""The Docker driver holds what every driver holds, on a real engine."""

import asyncio
import secrets
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from backends.targets.catalog import TargetRecord
from backends.targets.records import ServiceSpec
from tests.support.containers import SOCKET, needs_engine, remove_workspace
from tests.support.serviceimages import service_image
from tests.targets.conformance import Conformance

pytestmark = needs_engine()


class TestDocker(Conformance):
    kind = "docker"

    @pytest.fixture
    def target(self) -> Iterator[TargetRecord]:
        workspace = f"test-{secrets.token_hex(4)}"
        settings = {"url": f"unix://{SOCKET}"}
        yield TargetRecord(name="engine", kind="docker", workspace=workspace, settings=settings)
        remove_workspace(workspace)

    async def prepare(self, spec: ServiceSpec) -> ServiceSpec:
        assert spec.bundle is not None
        return replace(spec, image=await asyncio.to_thread(service_image, spec.bundle))
