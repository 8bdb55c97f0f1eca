"""The Docker driver over ssh: a whole life of a service; PILOTHOUSE_FULL runs the whole suite."""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.records import LogQuery, ServiceSpec, ServiceState
from tests.support.containers import needs_engine, remove_workspace
from tests.support.serviceimages import service_image
from tests.support.services import applied, echo, healthy, logged, score, texts, until
from tests.support.sshd import Sshd, needs_sshd, sshd
from tests.targets.conformance import KEYS, Conformance

pytestmark = [needs_engine(), needs_sshd()]

FULL = bool(os.environ.get("PILOTHOUSE_FULL"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as found:
        yield found


@contextmanager
def far_away(server: Sshd) -> Iterator[TargetRecord]:
    """A target with a workspace of its own, of which nothing is left."""
    workspace = f"test-{secrets.token_hex(4)}"
    settings = {"url": "ssh://engine", "ssh_config": str(server.config)}
    yield TargetRecord(name="far", kind="docker", workspace=workspace, settings=settings)
    remove_workspace(workspace)


@pytest.fixture
def target(server: Sshd) -> Iterator[TargetRecord]:
    with far_away(server) as target:
        yield target


async def built(spec: ServiceSpec) -> ServiceSpec:
    assert spec.bundle is not None
    return replace(spec, image=await asyncio.to_thread(service_image, spec.bundle))


async def lived(driver: Driver, target: TargetRecord, folder: Path) -> None:
    """Deploy, score, log, update, change keys, stop, start, delete."""
    spec = await built(
        ServiceSpec(
            workspace=target.workspace,
            name="far-away",
            revision=1,
            target=target.name,
            bundle=echo(folder),
            entry_script="score.py",
            auth=True,
        )
    )
    await driver.apply(spec, KEYS)
    await healthy(driver, spec.name)
    assert (await score(driver, spec.name, 1))[0] == 401
    assert (await score(driver, spec.name, 1, key=KEYS.primary))[0] == 200
    await logged(driver, spec.name, "asked 1")
    second = await built(replace(spec, revision=2, bundle=echo(folder, revision=2)))
    await driver.apply(second, KEYS)
    await healthy(driver, spec.name, 2)
    assert (await score(driver, spec.name, 2, key=KEYS.secondary))[1]["revision"] == 2
    assert await driver.keys(spec.name) == KEYS
    assert (await driver.usage(spec.name)).processes
    await driver.stop(spec.name)
    await until(driver, spec.name, lambda s: s.state is ServiceState.STOPPED)
    await driver.start(spec.name)
    await healthy(driver, spec.name, 2)
    assert "asked 2" in await texts(driver, spec.name, LogQuery(previous=True))
    await driver.delete(spec.name)
    assert await driver.services() == ()


async def test_a_service_lives_its_whole_life_over_ssh(
    target: TargetRecord, tmp_path: Path
) -> None:
    async with open_driver(target) as driver:
        assert (await driver.check()).version
        await lived(driver, target, tmp_path)


async def test_another_console_near_the_engine_sees_the_same(
    target: TargetRecord, tmp_path: Path
) -> None:
    near = replace(target, settings={})
    async with open_driver(target) as far, open_driver(near) as driver:
        spec = await built(
            ServiceSpec(
                workspace=target.workspace,
                name="both-ways",
                revision=1,
                target=target.name,
                bundle=echo(tmp_path),
                entry_script="score.py",
            )
        )
        await applied(far, spec)
        (found,) = await driver.services()
        assert found.spec == spec
        assert (await score(driver, spec.name))[0] == 200


@pytest.mark.skipif(not FULL, reason="PILOTHOUSE_FULL runs the whole suite over ssh")
class TestDockerOverSsh(Conformance):
    kind = "docker"

    @pytest.fixture
    def target(self, server: Sshd) -> Iterator[TargetRecord]:
        with far_away(server) as target:
            yield target

    async def prepare(self, spec: ServiceSpec) -> ServiceSpec:
        return await built(spec)
