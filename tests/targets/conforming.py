"""What every part of the conformance suite stands on: a target, an open driver, specs for it."""

import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.records import ModelRef, ServiceSpec
from tests.support.services import echo


class Conforming:
    """The fixtures; `target` comes from the subclass."""

    kind: ClassVar[str]

    @pytest.fixture
    def target(self) -> TargetRecord:
        """A target that is there and empty."""
        raise NotImplementedError

    async def prepare(self, spec: ServiceSpec) -> ServiceSpec:
        """Make what the target needs besides the bundle: an image, where it runs images."""
        return spec

    @pytest.fixture
    async def driver(self, target: TargetRecord) -> AsyncGenerator[Driver, None]:
        async with open_driver(target) as driver:
            yield driver
            for found in await driver.services():
                await driver.delete(found.spec.name)

    @pytest.fixture
    async def spec(self, target: TargetRecord, tmp_path: Path) -> ServiceSpec:
        return await self.specify(target, echo(tmp_path))

    async def specify(self, target: TargetRecord, app: Path, **fields: Any) -> ServiceSpec:
        """A spec for a service with a name of its own."""
        return await self.prepare(
            ServiceSpec(
                **{
                    "workspace": target.workspace,
                    "name": f"svc-{secrets.token_hex(4)}",
                    "revision": 1,
                    "target": target.name,
                    "bundle": app,
                    "entry_script": "score.py",
                    "variables": {"GREETING": "hello"},
                    "tags": {"area": "tests"},
                    "models": (ModelRef("mnist", 3, "ab" * 32),),
                    **fields,
                }
            )
        )

    async def changed(self, spec: ServiceSpec, app: Path, **fields: Any) -> ServiceSpec:
        """The next revision of a service."""
        following_revision = {"revision": spec.revision + 1, "bundle": app, **fields}
        return await self.prepare(replace(spec, **following_revision))
