"""Calls, raw streams and errors of an engine: a real one, and roads to it that a test spoils."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from backends.engines.addresses import resolve
from backends.engines.engine import Engine
from backends.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PilothouseError,
    Unauthorized,
    Unavailable,
    Unschedulable,
    Unsupported,
)
from tests.support.containers import IMAGE, SOCKET, container, needs_engine

pytestmark = needs_engine()

DEADLINE = 30.0
NUMBERS = "for number in range({count}): print(number)"
FOLLOW = {"stdout": 1, "stderr": 1, "follow": 1}


async def failure(settings: dict[str, str]) -> PilothouseError:
    """Why an engine at this address cannot be used."""
    async with Engine(resolve(settings)) as engine:
        with pytest.raises(PilothouseError) as caught:
            await engine.info()
    assert caught.value.fix
    return caught.value


# Calls


async def test_an_engine_says_what_it_is(engine: Engine) -> None:
    info = await engine.info()
    assert info.version
    assert info.os == "linux"
    assert info.cpus >= 1
    assert info.memory_bytes > 1 << 28
    assert "runc" in info.runtimes
    assert not info.rootless
    assert info.storage


async def test_the_newest_common_version_is_spoken(engine: Engine) -> None:
    info = await engine.info()
    wanted = min("1.45", info.api_version, key=lambda v: [int(n) for n in v.split(".")])
    assert engine.api == wanted
    assert await engine.call("tell", lambda client: client.api_version) == wanted


async def test_calls_run_beside_each_other_each_with_a_client_of_its_own(engine: Engine) -> None:
    meeting = threading.Barrier(3, timeout=DEADLINE)

    def meet(client: Any) -> int:
        meeting.wait()
        return id(client)

    seen = await asyncio.gather(*(engine.call("meet", meet) for _ in range(3)))
    assert len(set(seen)) == 3


async def test_a_call_that_takes_too_long_is_given_up(engine: Engine) -> None:
    release = threading.Event()
    with pytest.raises(Unavailable, match="did not answer in time"):
        await engine.call("wait", lambda _: release.wait(DEADLINE), seconds=0.05)
    release.set()
    assert await engine.call("go on", lambda client: client.ping())


async def test_a_bug_is_not_taken_for_an_answer(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        await engine.call("count", lambda _: 1 / 0)


async def test_a_closed_engine_says_so(engine: Engine) -> None:
    await engine.info()
    await engine.aclose()
    with pytest.raises(Unavailable, match="the target was closed"):
        await engine.info()


@pytest.mark.parametrize("text", ['{"proxies": [1]}', '{"auths": 5}', "[]"])
async def test_damaged_settings_of_docker_are_named_or_of_no_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "config.json").write_text(text)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    async with Engine(resolve({"url": f"unix://{SOCKET}"})) as engine:
        try:
            assert (await engine.info()).version
        except InvalidInput as error:
            assert f"{tmp_path}/config.json" in error.what


# What the engine refuses


def create(body: dict[str, Any]) -> Callable[[Any], Any]:
    """Creates a container that is refused, or removes it after its start was."""

    def work(client: Any) -> None:
        made = client.create_container_from_config({"Image": IMAGE, "Cmd": ["true"], **body})
        try:
            client.start(made["Id"])
        finally:
            client.remove_container(made["Id"], v=True, force=True)

    return work


def bound(port: int) -> dict[str, Any]:
    bindings = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    return {"ExposedPorts": {"80/tcp": {}}, "HostConfig": {"PortBindings": bindings}}


GPU = {"Driver": "", "Count": 1, "Capabilities": [["gpu"]]}
MOUNT = {"Type": "bind", "Source": "/no/such/folder", "Target": "/x"}


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ({"HostConfig": {"NanoCpus": 6_400_000_000_000}}, Unschedulable, "Range of CPUs"),
        ({"HostConfig": {"Memory": 1 << 20}}, InvalidInput, "Minimum memory limit"),
        ({"HostConfig": {"DeviceRequests": [GPU]}}, Unschedulable, "device driver"),
        ({"HostConfig": {"Mounts": [MOUNT]}}, InvalidInput, "bind source path"),
        ({"Cmd": ["nosuch"]}, InvalidInput, "executable file not found"),
        ({"Image": "pilothouse-test-none:1"}, NotFound, "No such image"),
    ],
    ids=["cpu", "memory", "gpu", "mount", "command", "image"],
)
async def test_a_refusal_keeps_the_engines_words_and_says_what_to_do(
    engine: Engine, body: dict[str, Any], error: type[PilothouseError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        await engine.call("start it", create(body))
    assert caught.value.what.startswith("Docker could not start it: ")
    assert caught.value.fix


async def test_a_port_of_another_process_is_a_conflict(engine: Engine) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as holder,
        pytest.raises(Conflict, match="in use"),
    ):
        await engine.call("start it", create(bound(holder.getsockname()[1])))


async def test_a_name_that_is_taken_is_a_conflict(engine: Engine) -> None:
    async with container("pass", started=False) as made:
        name = await engine.call("look", lambda c: c.inspect_container(made)["Name"])
        with pytest.raises(Conflict, match="already in use"):
            await engine.call("create it", lambda c: c.create_container(IMAGE, name=name))


# Roads


async def test_an_absent_socket_is_named(tmp_path: Path) -> None:
    error = await failure({"url": f"unix://{tmp_path}/none.sock"})
    assert isinstance(error, Unavailable)
    assert f"there is no socket at {tmp_path}/none.sock" in error.what
    assert "url of the target" in error.what


async def test_a_stopped_engine_is_told_from_an_absent_one(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "stopped.sock"))
    error = await failure({"url": f"unix://{tmp_path}/stopped.sock"})
    assert "the engine is stopped" in error.what


@pytest.mark.skipif(os.getuid() == 0, reason="root may use every socket")
async def test_a_socket_of_another_group_names_the_group(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "x.sock"))
        (tmp_path / "x.sock").chmod(0)
        error = await failure({"url": f"unix://{tmp_path}/x.sock"})
    assert isinstance(error, Unauthorized)
    assert "group `docker`" in error.fix


@asynccontextmanager
async def answering(path: Path, answer: bytes) -> AsyncGenerator[None, None]:
    """Something on a socket that answers whatever it is asked."""
    served: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_unix_server(serve, path):
        yield
        await asyncio.gather(*(task for task in served if task is not None))


async def test_what_is_no_engine_is_named(tmp_path: Path) -> None:
    async with answering(tmp_path / "odd.sock", b"SSH-2.0-nonsense\r\n"):
        error = await failure({"url": f"unix://{tmp_path}/odd.sock"})
    assert isinstance(error, Unavailable)


@pytest.mark.parametrize(("oldest", "newest"), [("1.99", "1.120"), ("1.12", "1.24")])
async def test_an_engine_of_another_age_is_refused(
    tmp_path: Path, oldest: str, newest: str
) -> None:
    body = f'{{"ApiVersion": "{newest}", "MinAPIVersion": "{oldest}"}}'.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    async with answering(tmp_path / "aged.sock", head % len(body) + body):
        error = await failure({"url": f"unix://{tmp_path}/aged.sock"})
    assert isinstance(error, Unsupported)
    assert f"the API {oldest} to {newest}" in error.what


async def test_an_engine_that_was_replaced_by_an_older_one_is_asked_again(tmp_path: Path) -> None:
    async with Engine(resolve({"url": f"unix://{SOCKET}"})) as engine:
        await engine.info()

        def refuse(client: Any) -> None:
            client._version = "9.99"
            client.info()

        with pytest.raises(Unsupported, match="too new"):
            await engine.call("look", refuse)
        assert engine.api == ""
        assert (await engine.info()).version
        assert engine.api
