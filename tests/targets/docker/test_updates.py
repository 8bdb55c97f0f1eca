"""Updates of services on a real engine: no request is lost, and no failure takes a service away.

`PILOTHOUSE_FULL=1` makes the 50 updates that are promised; the default makes 4.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.records import LogLine, LogQuery, ServiceSpec, ServiceState, Status
from tests.support.containers import SOCKET, asked, needs_engine, remove_workspace
from tests.support.load import load
from tests.support.serviceimages import service_image
from tests.support.services import (
    BROKEN,
    applied,
    bundle,
    echo,
    eventually,
    healthy,
    log_items,
    score,
    until,
)

pytestmark = needs_engine()

UPDATES = 50 if os.environ.get("PILOTHOUSE_FULL") else 4
RATE = 200.0
WORKSPACE = "pilothouse/workspace"


@pytest.fixture
async def driver() -> AsyncGenerator[Driver, None]:
    workspace = f"test-{secrets.token_hex(4)}"
    settings = {"url": f"unix://{SOCKET}"}
    target = TargetRecord(name="engine", kind="docker", workspace=workspace, settings=settings)
    try:
        async with open_driver(target) as driver:
            driver.workspace = workspace  # type: ignore[attr-defined]  # for the specs of this file
            yield driver
    finally:
        remove_workspace(workspace)


async def specify(driver: Driver, app: Path, **fields: object) -> ServiceSpec:
    spec = ServiceSpec(
        workspace=driver.workspace,  # type: ignore[attr-defined]  # set by the fixture
        name=f"svc-{secrets.token_hex(4)}",
        revision=1,
        target="engine",
        bundle=app,
        entry_script="score.py",
        environment_key="env-1",
        image=await asyncio.to_thread(service_image, app),
    )
    return replace(spec, **fields)


async def following(spec: ServiceSpec, app: Path, *, environment: bool) -> ServiceSpec:
    """The next revision, in the same environment or in another."""
    number = spec.revision + 1
    return replace(
        spec,
        revision=number,
        bundle=app,
        environment_key=f"env-{number}" if environment else spec.environment_key,
        image=await asyncio.to_thread(service_image, app),
    )


async def containers(spec: ServiceSpec, role: str = "server") -> list[dict[str, Any]]:
    words = [f"{WORKSPACE}={spec.workspace}", f"pilothouse/role={role}"]
    found = await asked(lambda c: c.containers(all=True, filters={"label": words}))
    return list(found)


@pytest.mark.timeout(1500)
async def test_no_request_is_lost_while_models_and_environments_change(
    driver: Driver, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(driver, echo(tmp_path)))
    async with driver.endpoint(spec.name) as endpoint:
        pass
    async with load(endpoint.scoring, rate=RATE) as seen:
        for number in range(UPDATES):
            app = echo(tmp_path, revision=spec.revision + 1)
            spec = await following(spec, app, environment=number % 2 == 1)
            await applied(driver, spec, revision=spec.revision)
    print(f"{UPDATES} updates, {seen.asked} requests, slowest {seen.slowest:.2f} s")
    assert seen.failures == []
    assert seen.answered == seen.asked
    assert len(seen.bodies) == UPDATES + 1
    (server,) = await containers(spec)
    assert server["State"] == "running"


async def test_a_new_environment_that_fails_leaves_the_old_one_serving(
    driver: Driver, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(driver, echo(tmp_path)))
    broken = await following(spec, bundle(tmp_path, BROKEN), environment=True)
    await driver.apply(broken, None)
    status = await until(driver, spec.name, lambda s: s.state is ServiceState.UNHEALTHY)
    assert status.serving == 1
    assert status.reason.startswith("revision 2 failed: ")
    assert status.reason.endswith("; revision 1 still serves")
    assert "ValueError" in status.evidence.traceback
    assert (await score(driver, spec.name))[1]["revision"] == 1
    (found,) = await driver.services()
    assert (found.status.state, found.status.serving) == (ServiceState.UNHEALTHY, 1)
    mended = await following(broken, echo(tmp_path, revision=3), environment=True)
    await applied(driver, mended, revision=3)
    assert (await score(driver, spec.name))[1]["revision"] == 3
    assert len(await containers(spec)) == 1


async def test_whoever_looks_ends_a_change_whose_console_is_gone(
    driver: Driver, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(driver, echo(tmp_path)))
    second = await following(spec, echo(tmp_path, revision=2), environment=True)
    settings = {"url": f"unix://{SOCKET}"}
    target = TargetRecord(name="engine", kind="docker", workspace=spec.workspace, settings=settings)
    async with open_driver(target) as other:
        await other.apply(second, None)
    await healthy(driver, spec.name, 2)
    assert (await score(driver, spec.name))[1]["revision"] == 2
    (server,) = await containers(spec)
    assert server["Labels"]["pilothouse/revision"] == "2"


async def test_a_container_that_crashes_after_a_swap_starts_with_the_new_revision(
    driver: Driver, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(driver, echo(tmp_path)))
    (before,) = await containers(spec)
    second = await following(spec, echo(tmp_path, revision=2), environment=False)
    await applied(driver, second, revision=2)
    (after,) = await containers(spec)
    assert after["Id"] == before["Id"]
    started = await asked(lambda c: c.inspect_container(before["Id"])["State"]["StartedAt"])
    end = ["python", "-c", "import os; os.kill(-1, 9)"]
    await asked(lambda c: c.exec_start(c.exec_create(before["Id"], end)["Id"]))

    async def restarted() -> bool:
        state = await asked(lambda c: c.inspect_container(before["Id"])["State"])
        return bool(state["Running"] and state["StartedAt"] != started)

    await eventually(restarted)
    await healthy(driver, spec.name, 2)
    assert (await score(driver, spec.name))[1]["revision"] == 2
    (found,) = await driver.services()
    assert found.spec == second


async def test_replicas_share_the_requests_and_each_has_its_name_in_the_log(
    driver: Driver, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(driver, echo(tmp_path), replicas=2))
    async with driver.endpoint(spec.name) as endpoint:
        pass
    async with load(endpoint.scoring, rate=RATE) as seen:
        await driver.scale(spec.name, 3)
        await until(driver, spec.name, _has(3))
        await driver.scale(spec.name, 1)
        await until(driver, spec.name, _has(1))
        third = await following(
            replace(spec, replicas=2), echo(tmp_path, revision=2), environment=True
        )
        await applied(driver, third, revision=2)
        await until(driver, spec.name, _has(2))
    assert seen.failures == []
    await until(driver, spec.name, _has(2))
    items = await log_items(driver, spec.name, LogQuery())
    asked_of = {i.replica for i in items if isinstance(i, LogLine) and i.text.startswith("asked")}
    assert asked_of == {"1", "2"}


def _has(count: int) -> Callable[[Status], bool]:
    def wanted(status: Status) -> bool:
        state = status.state is ServiceState.HEALTHY
        return state and (status.ready, status.wanted) == (count, count)

    return wanted


async def test_a_service_whose_router_is_gone_says_so(driver: Driver, tmp_path: Path) -> None:
    spec = await applied(driver, await specify(driver, echo(tmp_path)))
    (router,) = await containers(spec, "router")
    await asked(lambda c: c.update_container(router["Id"], restart_policy={"Name": "no"}))
    await asked(lambda c: c.kill(router["Id"]))
    status = await until(driver, spec.name, lambda s: s.state is ServiceState.UNHEALTHY)
    assert "router" in status.reason
    assert status.serving is None
    await driver.start(spec.name)
    await healthy(driver, spec.name)
    assert (await score(driver, spec.name))[0] == 200
