"""Calls, raw streams and errors of an engine: a real one, and roads to it that a test spoils."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from backends.engines.addresses import resolve
from backends.engines.engine import Engine, EngineCut
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
from tests.support.cutting import cutter
from tests.support.services import eventually

pytestmark = needs_engine()

DEADLINE = 30.0
NUMBERS = "for number in range({count}): print(number)"
FOLLOW = {"stdout": 1, "stderr": 1, "follow": 1}


@pytest.fixture
async def engine() -> AsyncGenerator[Engine, None]:
    async with Engine(resolve({"url": f"unix://{SOCKET}"})) as engine:
        yield engine


def logs(engine: Engine, container: str, **params: int) -> AsyncGenerator[bytes, None]:
    path = f"/containers/{container}/logs"
    return engine.stream("read the log", "GET", path, params={**FOLLOW, **params})


async def failure(settings: dict[str, str]) -> PilothouseError:
    """Why an engine at this address cannot be used."""
    async with Engine(resolve(settings)) as engine:
        with pytest.raises(PilothouseError) as caught:
            await engine.info()
    assert caught.value.fix
    return caught.value


def reading() -> bool:
    """A thread reads a stream."""
    return any(thread.name.startswith("docker /v") for thread in threading.enumerate())


async def nobody_reads() -> None:
    """Wait until no thread reads a stream any more."""

    async def none() -> bool:
        return not reading()

    await eventually(none)


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


async def test_a_stream_is_refused_like_a_call(engine: Engine) -> None:
    with pytest.raises(NotFound, match="No such container: nobody"):
        await anext(logs(engine, "nobody"))


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


# Streams


async def test_a_stream_ends_when_the_engine_ends_it(engine: Engine) -> None:
    async with container(NUMBERS.format(count=5000)) as made:
        data = b"".join([piece async for piece in logs(engine, made)])
    assert data.count(b"\n") == 5000
    assert data.endswith(b"4999\n")
    await nobody_reads()


async def test_a_cut_is_not_an_end(tmp_path: Path) -> None:
    async with (
        cutter(tmp_path, SOCKET) as road,
        Engine(resolve({"url": road.url})) as engine,
        container("print(1, flush=True); import time; time.sleep(60)") as made,
        aclosing(logs(engine, made)) as pieces,
    ):
        assert await anext(pieces)
        road.cut()
        with pytest.raises(EngineCut, match="read the log"):
            await anext(pieces)
    await nobody_reads()


async def test_a_silent_stream_counts_as_cut(engine: Engine) -> None:
    nothing = {"filters": '{"label": ["pilothouse.tests.nothing"]}'}
    stream = engine.stream("wait", "GET", "/events", quiet_seconds=0.2, params=nothing)
    with pytest.raises(EngineCut, match="in time"):
        await anext(stream)


async def test_closing_a_stream_ends_its_thread(engine: Engine) -> None:
    async with container("print(1, flush=True); import time; time.sleep(60)") as made:
        pieces = logs(engine, made)
        await anext(pieces)
        assert reading()
        await pieces.aclose()
        await nobody_reads()


async def test_cancelling_whoever_waits_ends_the_thread(engine: Engine) -> None:
    async with container("import time; time.sleep(60)") as made:

        async def wait() -> None:
            async with aclosing(logs(engine, made)) as pieces:
                await anext(pieces)

        waiting = asyncio.create_task(wait())

        async def begun() -> bool:
            return reading()

        await eventually(begun)
        waiting.cancel()
        await asyncio.wait([waiting])
        await nobody_reads()


async def test_given_up_at_any_moment_a_stream_leaves_no_thread(engine: Engine) -> None:
    async with container("import time; time.sleep(60)") as made:

        async def wait() -> None:
            async with aclosing(logs(engine, made)) as pieces:
                await anext(pieces)

        await engine.info()
        for tenths in range(40):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(tenths / 10_000)  # each a little later than the one before
            waiting.cancel()
            await asyncio.wait([waiting])
        await nobody_reads()


async def test_closing_the_engine_ends_its_streams(engine: Engine) -> None:
    async with container("print(1, flush=True); import time; time.sleep(60)") as made:
        pieces = logs(engine, made)
        await anext(pieces)
        await engine.aclose()
        with pytest.raises(EngineCut):
            async with asyncio.timeout(DEADLINE):
                await anext(pieces)


async def test_a_slow_reader_holds_the_engine_back(tmp_path: Path) -> None:
    """What nobody takes stays with the engine, apart from a few megabytes on the way."""
    script = "import sys\nfor _ in range(40000): sys.stdout.write('x' * 999 + chr(10))"
    async with (
        cutter(tmp_path, SOCKET) as road,
        Engine(resolve({"url": road.url})) as engine,
        container(script, log={"max-size": "100m"}) as made,
    ):
        await engine.call("wait", lambda client: client.wait(made))
        before = road.streamed
        async with aclosing(logs(engine, made)) as pieces:
            taken = len(await anext(pieces))
            seen = -1
            while seen != road.streamed:
                seen = road.streamed
                await asyncio.sleep(0.3)
            assert road.streamed - before < 16 << 20
            async for piece in pieces:
                taken += len(piece)
        assert taken == 40_000 * (1000 + 8)


async def test_a_body_is_sent_as_it_is_made(engine: Engine) -> None:
    tag = "pilothouse-test-engine"

    def pieces() -> Any:
        yield b"\0" * 512
        yield b"\0" * 512

    stream = engine.stream(
        "import it",
        "POST",
        "/images/create",
        params={"fromSrc": "-", "repo": tag},
        data=pieces(),
        headers={"Content-Type": "application/x-tar"},
    )
    try:
        assert b"sha256:" in b"".join([piece async for piece in stream])
    finally:
        await engine.call("remove it", lambda client: client.remove_image(tag, force=True))
