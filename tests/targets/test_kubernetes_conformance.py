"""The Kubernetes driver holds what every driver holds, on a real cluster."""

import asyncio
import secrets
from collections.abc import AsyncGenerator

import pytest
from msgspec.structs import replace

from backends.targets.catalog import TargetRecord
from backends.targets.records import ServiceSpec
from tests.support.clusters import cluster_image, namespace, needs_cluster
from tests.targets.conformance import Conformance

pytestmark = needs_cluster()


class TestKubernetes(Conformance):
    kind = "aks"

    @pytest.fixture
    async def target(self) -> AsyncGenerator[TargetRecord, None]:
        async with namespace() as name:
            settings = {"namespace": name}
            workspace = f"test-{secrets.token_hex(4)}"
            yield TargetRecord(name="cluster", kind="aks", workspace=workspace, settings=settings)

    async def prepare(self, spec: ServiceSpec) -> ServiceSpec:
        assert spec.bundle is not None
        return replace(spec, image=await asyncio.to_thread(cluster_image, spec.bundle))
