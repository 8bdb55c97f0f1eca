"""A shell in a container, and replicas under watch, on a real engine."""

import asyncio
import contextlib
import io
import secrets
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.errors import Conflict, NotFound, Unsupported
from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.records import ServiceSpec, Status
from backends.targets.terminal import ExecRequest
from tests.support.containers import SOCKET, asked, needs_engine, remove_workspace
from tests.support.serviceimages import service_image
from tests.support.services import DEADLINE, applied, echo, eventually, written

pytestmark = needs_engine()


@pytest.fixture
def target() -> Iterator[TargetRecord]:
    workspace = f"test-{secrets.token_hex(4)}"
    settings = {"url": f"unix://{SOCKET}"}
    yield TargetRecord(name="engine", kind="docker", workspace=workspace, settings=settings)
    remove_workspace(workspace)


@pytest.fixture
async def driver(target: TargetRecord) -> AsyncGenerator[Driver, None]:
    async with open_driver(target) as driver:
        yield driver


@pytest.fixture
async def spec(driver: Driver, target: TargetRecord, tmp_path: Path) -> ServiceSpec:
    app = echo(tmp_path)
    spec = ServiceSpec(
        workspace=target.workspace,
        name="talker",
        revision=1,
        target="engine",
        bundle=app,
        entry_script="score.py",
        image=await asyncio.to_thread(service_image, app),
    )
    return await applied(driver, spec)


async def test_a_new_size_reaches_the_program(driver: Driver, spec: ServiceSpec) -> None:
    async with asyncio.timeout(DEADLINE), driver.exec(spec.name, ExecRequest()) as terminal:
        await terminal.resize(120, 50)
        terminal.write(b"stty size; exit\n")
        assert b"50 120" in await written(terminal)
        assert await terminal.exit_code() == 0


async def test_leaving_hangs_the_program_up(driver: Driver, spec: ServiceSpec) -> None:
    (replica,) = await driver.replicas(spec.name)

    async def running() -> bool:
        found = await asked(lambda engine: engine.top(replica.name, "-eo pid,args"))
        return any("sleep 4242" in " ".join(process) for process in found["Processes"])

    async with driver.exec(spec.name, ExecRequest()) as terminal:
        terminal.write(b"sleep 4242\n")
        await eventually(running)
    assert not await running()


async def test_much_output_comes_whole(driver: Driver, spec: ServiceSpec) -> None:
    command = ("python3", "-c", "print('x' * 3_000_000, 'end')")
    async with (
        asyncio.timeout(DEADLINE),
        driver.exec(spec.name, ExecRequest(command=command)) as terminal,
    ):
        found = await written(terminal)
    assert found.count(b"x") == 3_000_000
    assert found.rstrip().endswith(b"end")


async def test_a_container_that_is_killed_ends_the_shell(driver: Driver, spec: ServiceSpec) -> None:
    (replica,) = await driver.replicas(spec.name)
    async with asyncio.timeout(DEADLINE), driver.exec(spec.name, ExecRequest()) as terminal:
        terminal.write(b"echo here\n")
        await terminal.read()
        await asked(lambda engine: engine.kill(replica.name))
        await written(terminal)


async def test_a_stopped_service_has_nothing_to_run_in(driver: Driver, spec: ServiceSpec) -> None:
    await driver.stop(spec.name)
    with pytest.raises(Conflict, match="No container of service talker runs"):
        async with driver.exec(spec.name, ExecRequest()):
            pass


async def test_a_replica_that_is_not_there_is_named(driver: Driver, spec: ServiceSpec) -> None:
    with pytest.raises(NotFound, match="has no replica other"):
        async with driver.exec(spec.name, ExecRequest(replica="other")):
            pass


async def test_an_image_without_a_shell_is_told(driver: Driver, spec: ServiceSpec) -> None:
    assert spec.image is not None
    image = await asked(lambda engine: _without_shell(engine, spec.image or ""))
    bare = await applied(driver, replace(spec, name="bare", image=image))
    with pytest.raises(Unsupported, match="has no shell"):
        async with driver.exec(bare.name, ExecRequest()):
            pass
    command = ("python3", "-c", "print('here')")
    async with driver.exec(bare.name, ExecRequest(command=command)) as terminal:
        assert b"here" in await written(terminal)


async def test_closing_the_target_ends_the_shell(target: TargetRecord, spec: ServiceSpec) -> None:
    async with (
        asyncio.timeout(DEADLINE),
        open_driver(target) as other,
        other.exec(spec.name, ExecRequest()) as terminal,
    ):
        await terminal.read()
        await other.__aexit__(None, None, None)
        await written(terminal)


async def test_replicas_added_while_someone_watches_stay(
    driver: Driver, target: TargetRecord, spec: ServiceSpec
) -> None:
    async def ready(watcher: Driver, count: int) -> None:
        async with contextlib.aclosing(watcher.watch(spec.name)) as statuses:
            async for status in statuses:
                if isinstance(status, Status) and status.ready == count:
                    return

    async with (
        asyncio.timeout(DEADLINE),
        open_driver(target) as other,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(ready(other, 2))  # as another console does
        group.create_task(ready(driver, 2))
        await driver.scale(spec.name, 2)
    assert len(await driver.replicas(spec.name)) == 2
    (found,) = await driver.services()
    assert (found.status.ready, found.status.wanted) == (2, 2)


def _without_shell(engine: Any, image: str) -> str:
    remove = "import os; os.remove('/bin/sh')"
    text = f'FROM {image}\nUSER root\nRUN ["python3", "-c", "{remove}"]\nUSER 10001:10001\n'
    lines = engine.build(fileobj=io.BytesIO(text.encode()), decode=True, rm=True)
    return next(str(line["aux"]["ID"]) for line in lines if "aux" in line)
