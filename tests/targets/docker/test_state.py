"""Every state of a container that an engine can show, seen on a real one and put into words."""

import asyncio
import secrets
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import docker.errors
import pytest

from backends.targets.drivers.docker.state import judge, refused
from backends.targets.records import ServiceState
from tests.support.containers import IMAGE, MARK, asked, needs_engine
from tests.support.services import eventually

pytestmark = needs_engine()

FOREVER = ["python", "-c", "import time; time.sleep(600)"]
SECOND = 1_000_000_000
GPU = {"Driver": "", "Count": 1, "Capabilities": [["gpu"]]}
KEEP = {"Name": "unless-stopped"}


def script(text: str) -> list[str]:
    return ["python", "-c", text]


def checked_by(text: str) -> dict[str, Any]:
    """A health check every quarter of a second, one failure of which is enough."""
    quarter = SECOND // 4
    return {"Test": ["CMD", *script(text)], "Interval": quarter, "Timeout": SECOND, "Retries": 1}


@asynccontextmanager
async def made(command: list[str], **body: Any) -> AsyncGenerator[str, None]:
    """Id of a container, not started; removed afterwards."""
    host = {"RestartPolicy": KEEP, **body.pop("HostConfig", {})}
    full = {"Image": IMAGE, "Cmd": command, "Labels": {MARK: "1"}, "HostConfig": host, **body}
    name = f"pilothouse-test-{secrets.token_hex(6)}"
    found = str((await asked(lambda c: c.create_container_from_config(full, name)))["Id"])
    try:
        yield found
    finally:
        await asked(lambda c: c.remove_container(found, v=True, force=True))


async def inspected(container: str) -> dict[str, Any]:
    return dict(await asked(lambda c: c.inspect_container(container)))


async def shows(container: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The container once its `State` is as wanted."""
    last: dict[str, Any] = {}

    async def holds() -> bool:
        nonlocal last
        last = await inspected(container)
        return wanted(last["State"])

    try:
        await eventually(holds)
    except TimeoutError:
        raise AssertionError(last["State"]) from None
    return last


def exited(state: dict[str, Any]) -> bool:
    return bool(state["Status"] == "exited")


async def start(container: str) -> None:
    await asked(lambda c: c.start(container))


async def start_refused(container: str) -> None:
    with pytest.raises(docker.errors.APIError):
        await start(container)


# Before it runs


async def test_created_it_is_on_its_way() -> None:
    async with made(FOREVER) as one:
        found = judge(await inspected(one))
    assert found.state is ServiceState.TRANSITIONING


async def test_a_command_that_is_not_there_fails_by_name() -> None:
    async with made(["nosuch"]) as one:
        await start_refused(one)
        found = judge(await inspected(one))
    assert found.state is ServiceState.FAILED
    assert found.reason == "the image has no command nosuch"
    assert found.evidence.exit_code == 127
    assert "executable file not found" in found.evidence.event


def published(port: int) -> dict[str, Any]:
    bindings = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    return {"HostConfig": {"PortBindings": bindings}, "ExposedPorts": {"80/tcp": {}}}


async def test_a_port_of_another_process_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        async with made(FOREVER, **published(port)) as one:
            await start_refused(one)
            found = judge(await inspected(one))
    assert found.state is ServiceState.FAILED
    assert found.reason == f"the port is in use (127.0.0.1:{port})"


async def test_a_port_of_another_container_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
    async with made(FOREVER, **published(port)) as one, made(FOREVER, **published(port)) as two:
        await start(one)
        await start_refused(two)
        found = judge(await inspected(two))
    assert found.state is ServiceState.FAILED
    assert found.reason == f"the port is in use (127.0.0.1:{port})"


async def test_a_gpu_that_the_engine_cannot_give_is_unschedulable() -> None:
    async with made(FOREVER, HostConfig={"DeviceRequests": [GPU]}) as one:
        await start_refused(one)
        found = judge(await inspected(one))
    assert found.state is ServiceState.UNSCHEDULABLE
    assert found.reason == "the engine has no GPU runtime"


async def test_more_cores_than_there_are_is_unschedulable() -> None:
    with pytest.raises(docker.errors.APIError) as caught:
        async with made(FOREVER, HostConfig={"NanoCpus": 6400 * SECOND}):
            pass
    found = refused(str(caught.value.explanation))
    assert found.state is ServiceState.UNSCHEDULABLE
    assert "Range of CPUs" in found.reason


# While it runs


async def test_running_without_a_health_check_it_is_the_server_that_tells() -> None:
    async with made(FOREVER) as one:
        await start(one)
        found = judge(await inspected(one))
    assert found.state is ServiceState.TRANSITIONING
    assert found.open


async def test_a_health_check_that_has_not_run_is_a_start() -> None:
    slow = {"Test": ["CMD", "true"], "Interval": 3600 * SECOND}
    async with made(FOREVER, Healthcheck=slow) as one:
        await start(one)
        found = judge(await inspected(one))
    assert found.state is ServiceState.TRANSITIONING


async def test_a_good_health_check_is_healthy() -> None:
    async with made(FOREVER, Healthcheck=checked_by("")) as one:
        await start(one)
        container = await shows(one, lambda s: s["Health"]["Status"] == "healthy")
    assert judge(container).state is ServiceState.HEALTHY


async def test_a_bad_health_check_is_unhealthy_in_its_own_words() -> None:
    check = checked_by("import sys; print('no model'); sys.exit(1)")
    async with made(FOREVER, Healthcheck=check) as one:
        await start(one)
        container = await shows(one, lambda s: s["Health"]["Status"] == "unhealthy")
        found = judge(container)
        assert found.state is ServiceState.UNHEALTHY
        assert found.reason.endswith("no model")
        assert found.evidence.stage == "health"
        await asked(lambda c: c.kill(one))
        over = judge(await shows(one, exited))
    assert over.state is ServiceState.FAILED
    assert "SIGKILL" in over.reason


async def test_paused_it_is_unhealthy() -> None:
    async with made(FOREVER) as one:
        await start(one)
        await asked(lambda c: c.pause(one))
        found = judge(await inspected(one))
        await asked(lambda c: c.unpause(one))
    assert found.state is ServiceState.UNHEALTHY
    assert found.reason == "the container is paused"


# When it ends


async def test_ending_again_and_again_it_fails_at_the_third_restart() -> None:
    seen = set()
    async with made(script("import sys; sys.exit(7)")) as one:
        await start(one)
        async with asyncio.timeout(60):
            while True:
                container = await inspected(one)
                found = judge(container)
                seen.add((container["RestartCount"] >= 3, found.state))
                if found.state is ServiceState.FAILED and "exited with 7" in found.reason:
                    break
                await asyncio.sleep(0.01)
        assert judge(container, was_healthy=True).state is ServiceState.UNHEALTHY
    assert found.evidence.exit_code == 7
    assert "restart 3" in found.reason
    assert {early for early, state in seen if state is ServiceState.FAILED} == {True}


EAT = "x = bytearray(1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1"


@pytest.mark.parametrize(("name", "code"), [("SIGKILL", -9), ("SIGTERM", -15)])
async def test_ended_from_outside_it_failed(name: str, code: int) -> None:
    async with made(FOREVER, HostConfig={"Init": True}) as one:
        await start(one)
        await asked(lambda c: c.kill(one, signal=name))  # the engine restarts nothing then
        found = judge(await shows(one, exited))
    assert found.state is ServiceState.FAILED
    assert name in found.reason
    assert found.evidence.exit_code == code
    assert not found.evidence.out_of_memory


async def test_ended_by_itself_it_failed() -> None:
    async with made(script(""), HostConfig={"RestartPolicy": {"Name": "on-failure"}}) as one:
        await start(one)
        found = judge(await shows(one, exited))
    assert found.state is ServiceState.FAILED
    assert found.reason.endswith("it ended by itself")


async def test_a_crash_is_named() -> None:
    crash = "import ctypes; ctypes.string_at(0)"
    async with made(script(crash), HostConfig={"RestartPolicy": KEEP, "Init": True}) as one:
        await start(one)
        container = await shows(one, lambda s: s["Status"] == "restarting")
    found = judge(container)
    assert "SIGSEGV" in found.reason
    assert found.evidence.exit_code == -11


async def test_out_of_memory_is_told_with_the_limit() -> None:
    limit = 64 << 20
    memory = {"Memory": limit, "MemorySwap": limit, "RestartPolicy": KEEP}
    async with made(script(EAT), HostConfig=memory) as one:
        await start(one)
        container = await shows(one, lambda s: s["OOMKilled"] and s["Status"] != "running")
    found = judge(container)
    assert found.state in {ServiceState.UNHEALTHY, ServiceState.FAILED}
    assert "out of memory (limit 0.07 GB)" in found.reason
    assert found.evidence.out_of_memory


async def test_stopped_on_request_it_is_stopped_whatever_its_exit_code() -> None:
    async with made(FOREVER) as one:
        await start(one)
        await asked(lambda c: c.update_container(one, restart_policy={"Name": "no"}))
        await asked(lambda c: c.stop(one, timeout=1))
        container = await shows(one, exited)
    assert container["State"]["ExitCode"] == 137
    found = judge(container)
    assert found.state is ServiceState.STOPPED
    assert found.reason == "stopped on request"


@pytest.mark.parametrize("status", ["removing", "dead", ""])
def test_what_is_being_removed_is_on_its_way(status: str) -> None:
    found = judge({"State": {"Status": status}, "HostConfig": {"RestartPolicy": KEEP}})
    assert found.state is ServiceState.TRANSITIONING


@pytest.mark.parametrize("left", [{}, {"State": None}, {"State": {"Status": "exited"}}])
def test_an_answer_without_what_is_expected_is_still_judged(left: dict[str, Any]) -> None:
    assert judge(left).reason
