"""What holds for services on Docker alone: confinement, secrets, ports, room, remains."""

import asyncio
import json
import os
import secrets
import signal
import socket
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.errors import Conflict, InvalidInput, NotFound, Unavailable, Unschedulable
from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.records import Keys, Resources, ServiceSpec, ServiceState
from tests.support.containers import SOCKET, asked, needs_engine, remove_workspace
from tests.support.serviceimages import service_image
from tests.support.services import applied, bundle, echo, eventually, healthy, score, until

pytestmark = needs_engine()

KEYS = Keys("primary-0123456789abcdef", "secondary-0123456789abcdef")

PROBES = """
import json, os
def init():
    pass
def run(data):
    found = {}
    for path in ("/probe", "/var/azureml-app/probe", "/opt/pilothouse/probe", "/tmp/probe"):
        try:
            open(path, "w").close()
            found[path] = "written"
        except OSError as error:
            found[path] = type(error).__name__
    found["uid"] = os.getuid()
    status = dict(l.split(":", 1) for l in open("/proc/self/status") if ":" in l)
    found["capabilities"] = int(status["CapEff"].strip(), 16)
    found["no_new_privileges"] = int(status["NoNewPrivs"])
    found["environment"] = sorted(os.environ.values())
    return found
"""

GREEDY = """
def init():
    pass
def run(data):
    return len(bytearray(int(data)))
"""


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


async def specify(target: TargetRecord, app: Path, **fields: Any) -> ServiceSpec:
    spec = ServiceSpec(
        workspace=target.workspace,
        name=f"svc-{secrets.token_hex(4)}",
        revision=1,
        target=target.name,
        bundle=app,
        entry_script="score.py",
        image=await asyncio.to_thread(service_image, app),
    )
    return replace(spec, **fields)


async def containers(spec: ServiceSpec, role: str = "server") -> list[dict[str, Any]]:
    """Inspected containers of a service."""
    words = [f"pilothouse/service={spec.name}", f"pilothouse/role={role}"]

    def ask(client: Any) -> list[dict[str, Any]]:
        rows = client.containers(all=True, filters={"label": words})
        return [client.inspect_container(row["Id"]) for row in rows]

    return list(await asked(ask))


async def left_behind(target: TargetRecord) -> list[str]:
    """Names of all that carries the workspace's label."""
    wanted = {"label": [f"pilothouse/workspace={target.workspace}"]}

    def ask(client: Any) -> list[str]:
        return [
            *(row["Names"][0] for row in client.containers(all=True, filters=wanted)),
            *(row["Name"] for row in client.volumes(filters=wanted)["Volumes"] or ()),
            *(row["Name"] for row in client.networks(filters=wanted)),
        ]

    return list(await asked(ask))


# Confinement


async def test_a_service_may_write_nothing_but_its_temporary_folder(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(target, bundle(tmp_path, PROBES)))
    status, found = await score(driver, spec.name)
    assert status == 200
    assert found["/tmp/probe"] == "written"
    for path in ("/probe", "/var/azureml-app/probe", "/opt/pilothouse/probe"):
        assert found[path] == "OSError"
    assert found["uid"] == 10001
    assert found["capabilities"] == 0
    assert found["no_new_privileges"] == 1


async def test_every_container_of_ours_is_confined(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    limits = Resources(cpu=0.5, memory_gb=0.5)
    spec = await applied(driver, await specify(target, echo(tmp_path), resources=limits))
    servers, routers = await containers(spec), await containers(spec, "router")
    assert (len(servers), len(routers)) == (1, 1)
    for container in (*servers, *routers):
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert "no-new-privileges" in host["SecurityOpt"]
        assert host["PidsLimit"]
        assert host["Init"]
        assert not host["Privileged"]
        assert not host["Binds"]
        assert {mount["Type"] for mount in container["Mounts"]} == {"volume"}
        assert container["Config"]["User"] == "10001:10001"
        assert host["LogConfig"]["Config"]["max-size"] == "16m"
        assert host["RestartPolicy"]["Name"] == "always"
    (server,) = servers
    assert server["HostConfig"]["NanoCpus"] == 500_000_000
    assert server["HostConfig"]["Memory"] == server["HostConfig"]["MemorySwap"] == 500_000_000


async def test_only_loopback_hears_unless_told_otherwise(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(target, echo(tmp_path)))
    found = [
        binding["HostIp"]
        for container in (*await containers(spec), *await containers(spec, "router"))
        for bindings in (container["NetworkSettings"]["Ports"] or {}).values()
        for binding in bindings or ()
    ]
    assert found == ["127.0.0.1"]


async def test_keys_are_in_no_description_of_a_container(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await specify(target, bundle(tmp_path, PROBES), auth=True)
    await driver.apply(spec, KEYS)
    await healthy(driver, spec.name)
    described = json.dumps([*await containers(spec), *await containers(spec, "router")])
    assert KEYS.primary not in described
    assert KEYS.secondary not in described
    _, found = await score(driver, spec.name, key=KEYS.primary)
    assert not {KEYS.primary, KEYS.secondary} & set(found["environment"])


# Address


async def test_a_named_port_is_used(driver: Driver, target: TargetRecord, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    spec = await applied(driver, await specify(target, echo(tmp_path), port=port))
    async with driver.endpoint(spec.name) as endpoint:
        assert endpoint.url == f"http://127.0.0.1:{port}"


async def test_a_port_of_somebody_else_is_told_before_and_refused(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        spec = await specify(target, echo(tmp_path), port=holder.getsockname()[1])
        checks = {check.name: check for check in await driver.preflight(spec)}
        assert not checks["port"].ok
        assert f"port {spec.port} is taken by" in checks["port"].detail
        with pytest.raises(Conflict, match="in use"):
            await driver.apply(spec, None)
    await driver.delete(spec.name)
    assert await left_behind(target) == []


async def test_a_port_of_another_service_is_told_by_its_name(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    first = await applied(driver, await specify(target, echo(tmp_path)))
    async with driver.endpoint(first.name) as endpoint:
        port = int(endpoint.url.rpartition(":")[2])
    second = await specify(target, echo(tmp_path), port=port)
    checks = {check.name: check for check in await driver.preflight(second)}
    assert checks["port"].detail == f"port {port} is taken by {first.name}"
    own = {c.name: c for c in await driver.preflight(replace(first, revision=2, port=port))}
    assert own["port"].ok
    await driver.stop(first.name)
    held = {check.name: check for check in await driver.preflight(second)}
    assert held["port"].detail == f"port {port} is taken by {first.name}"


# Room


async def test_a_gpu_without_a_runtime_is_told_before_and_unschedulable(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await specify(target, echo(tmp_path), resources=Resources(gpu=1))
    checks = {check.name: check for check in await driver.preflight(spec)}
    assert not checks["gpu"].ok
    with pytest.raises(Unschedulable, match="device driver"):
        await driver.apply(spec, None)
    await driver.delete(spec.name)
    assert await left_behind(target) == []


async def test_an_image_that_is_not_there_is_told(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await specify(target, echo(tmp_path), image="pilothouse-test-none:1")
    with pytest.raises(NotFound, match="No such image"):
        await driver.apply(spec, None)
    with pytest.raises(InvalidInput, match="no image"):
        await driver.apply(replace(spec, image=None), None)


async def test_memory_promised_to_others_is_counted(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    asked_for = Resources(memory_gb=0.5)
    await applied(driver, await specify(target, echo(tmp_path), resources=asked_for))
    other = await specify(target, echo(tmp_path), resources=asked_for)
    checks = {check.name: check for check in await driver.preflight(other)}
    assert "0.5 are promised to other services" in checks["memory"].detail


# Ends


async def test_a_killed_container_comes_back_by_itself(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(target, echo(tmp_path)))
    (server,) = await containers(spec)
    pid = server["State"]["Pid"]
    os.kill(pid, signal.SIGKILL)

    async def restarted() -> bool:
        (now,) = await containers(spec)
        return int(now["RestartCount"]) == 1

    await eventually(restarted)
    await healthy(driver, spec.name)
    assert (await score(driver, spec.name))[0] == 200


async def test_out_of_memory_is_told_with_its_limit(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await specify(
        target, bundle(tmp_path, GREEDY), resources=Resources(memory_gb=0.2), sample="1"
    )
    await applied(driver, spec)

    async def ask() -> None:
        await score(driver, spec.name, 1 << 30)

    asking = asyncio.create_task(ask())
    status = await until(driver, spec.name, lambda s: s.evidence.out_of_memory)
    assert "out of memory" in status.reason
    await asking
    await until(driver, spec.name, lambda s: s.state is ServiceState.HEALTHY)


async def test_a_service_stopped_by_somebody_else_has_failed(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(target, echo(tmp_path)))
    (server,) = await containers(spec)
    await asked(lambda client: client.stop(server["Id"]))
    status = await until(driver, spec.name, lambda s: s.state is ServiceState.FAILED)
    assert status.evidence.stage == "container"
    await driver.start(spec.name)
    await healthy(driver, spec.name)


async def test_a_paused_container_is_unhealthy(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(target, echo(tmp_path)))
    (server,) = await containers(spec)
    await asked(lambda client: client.pause(server["Id"]))
    status = await until(driver, spec.name, lambda s: s.state is ServiceState.UNHEALTHY)
    assert "paused" in status.reason
    await asked(lambda client: client.unpause(server["Id"]))
    await healthy(driver, spec.name)


async def test_deleted_nothing_of_it_is_left(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(target, echo(tmp_path)))
    assert len(await left_behind(target)) >= 3
    await driver.delete(spec.name)
    assert await left_behind(target) == []


async def test_containers_of_others_are_neither_seen_nor_touched(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await applied(driver, await specify(target, echo(tmp_path)))
    foreign = replace(target, workspace=f"{target.workspace}-other")
    async with open_driver(foreign) as other:
        assert await other.services() == ()
        await other.delete(spec.name)
    assert (await score(driver, spec.name))[0] == 200


async def test_a_label_that_cannot_be_read_hides_no_service(
    driver: Driver, target: TargetRecord, tmp_path: Path
) -> None:
    spec = await specify(target, echo(tmp_path))
    words = {
        "pilothouse/managed-by": "pilothouse",
        "pilothouse/workspace": target.workspace,
        "pilothouse/service": spec.name,
        "pilothouse/revision": "x",
        "pilothouse/role": "server",
        "pilothouse/spec": "{",
    }
    name = f"pilothouse-test-{secrets.token_hex(4)}"
    body = {"Image": spec.image, "Labels": words}
    await asked(lambda client: client.create_container_from_config(body, name))
    (found,) = await driver.services()
    assert found.spec.name == spec.name
    await driver.delete(spec.name)
    assert await driver.services() == ()


async def test_an_engine_that_is_gone_is_unavailable(target: TargetRecord, tmp_path: Path) -> None:
    gone = replace(target, settings={"url": f"unix://{tmp_path}/none.sock"})
    async with open_driver(gone) as driver:
        for verb in (driver.check(), driver.services(), driver.stop("x"), driver.delete("x")):
            with pytest.raises(Unavailable, match="there is no socket"):
                await verb
        with pytest.raises(Unavailable, match="there is no socket"):
            await anext(driver.watch("x"))
