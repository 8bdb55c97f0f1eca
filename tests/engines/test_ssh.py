"""An engine behind ssh: a real server on loopback, the system's ssh, and what its failures say."""

import asyncio
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import httpx
import psutil
import pytest

from backends.engines.addresses import resolve
from backends.engines.engine import Engine, EngineCut
from backends.engines.records import EngineAddress
from backends.engines.ssh import command, explain
from backends.errors import InvalidInput, PilothouseError, Unauthorized, Unavailable
from tests.support.containers import container, needs_engine
from tests.support.services import eventually
from tests.support.sshd import Sshd, needs_sshd, sshd

pytestmark = [needs_engine(), needs_sshd()]

PRINTS = "print(1, flush=True); import time; time.sleep(60)"
STREAMS = 12
"""More than an ssh server lets one connection carry."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as found:
        yield found


@pytest.fixture
async def engine(server: Sshd) -> AsyncGenerator[Engine, None]:
    async with Engine(address(server.config)) as engine:
        yield engine


def address(config: Path, url: str = "ssh://engine") -> EngineAddress:
    return resolve({"url": url, "ssh_config": str(config)})


async def failure(wanted: EngineAddress) -> PilothouseError:
    async with Engine(wanted) as engine:
        with pytest.raises(PilothouseError) as caught:
            await engine.info()
        assert caught.value.fix
        return caught.value


def processes(server: Sshd) -> list[psutil.Process]:
    """Those of the client that were started for this server."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "ssh"
        and str(server.folder) in " ".join(process.info["cmdline"] or ())
    ]


def folders() -> set[Path]:
    """Private folders of relays."""
    return set(Path(tempfile.gettempdir()).glob("ph-ssh-*"))


def make_folder(pid: int) -> Path:
    """As a console of that process would leave it."""
    path = Path(tempfile.gettempdir(), f"ph-ssh-{pid}-left")
    path.mkdir(mode=0o700)
    (path / "engine.sock").touch()
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def logs(engine: Engine, made: str) -> AsyncGenerator[bytes, None]:
    params = {"stdout": 1, "stderr": 1, "follow": 1}
    return engine.stream("read the log", "GET", f"/containers/{made}/logs", params=params)


async def test_an_engine_behind_ssh_answers(engine: Engine) -> None:
    assert (await engine.info()).version
    assert engine.api


async def test_streams_come_through_and_end_with_their_process(
    engine: Engine, server: Sshd
) -> None:
    async with container(PRINTS) as made:
        await engine.info()
        before = len(processes(server))
        async with aclosing(logs(engine, made)) as pieces:
            assert b"1\n" in await anext(pieces)
            assert len(processes(server)) == before + 1

        async def ended() -> bool:
            return len(processes(server)) == before

        await eventually(ended)


async def test_more_streams_than_one_connection_carries(engine: Engine) -> None:
    async with container(PRINTS) as made, AsyncExitStack() as stack:
        for _ in range(STREAMS):
            pieces = await stack.enter_async_context(aclosing(logs(engine, made)))
            assert b"1\n" in await anext(pieces)
        assert (await engine.info()).version


async def test_closing_the_engine_leaves_no_process_and_no_file(server: Sshd) -> None:
    before = folders()
    async with Engine(address(server.config)) as engine:
        await engine.info()
        (folder,) = folders() - before
        assert mode(folder) == 0o700
        assert mode(folder / "engine.sock") == 0o600
        assert processes(server)
    assert folders() <= before

    async def ended() -> bool:
        return not processes(server)

    await eventually(ended)


async def test_what_a_killed_console_left_is_removed(server: Sshd) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    left = make_folder(gone.pid)
    async with Engine(address(server.config)) as engine:
        await engine.info()
        assert left not in folders()


async def test_a_killed_connection_is_a_cut_and_the_next_call_connects_anew(
    engine: Engine, server: Sshd
) -> None:
    async with container(PRINTS) as made, aclosing(logs(engine, made)) as pieces:
        await anext(pieces)
        for process in processes(server):
            process.kill()
        with pytest.raises(EngineCut):
            await anext(pieces)
    assert (await engine.info()).version


async def test_a_port_of_the_engines_machine_is_reached_through_a_tunnel(engine: Engine) -> None:
    script = (
        "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    )
    port = 28_761
    async with container(script.format(port=port), network="host") as made:

        async def serves() -> bool:
            log = await engine.call("read", lambda c: c.logs(made))
            return b"Serving HTTP" in log

        await eventually(serves)
        async with engine.tunnel("127.0.0.1", port) as here, httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{here}/")
            assert answer.status_code == 200
            again = await client.get(f"http://127.0.0.1:{here}/")
            assert again.status_code == 200
            async with engine.tunnel("127.0.0.1", port) as beside:
                assert beside != here
        async with engine.tunnel("127.0.0.1", port) as anew:
            assert anew in {here, beside}


async def test_a_key_that_is_not_known_there_is_told(server: Sshd) -> None:
    error = await failure(address(server.configure(identity="stranger")))
    assert isinstance(error, Unauthorized)
    assert "Permission denied (publickey)" in error.what
    assert "ssh-add" in error.fix


async def test_an_unknown_host_key_is_never_taken(server: Sshd) -> None:
    error = await failure(address(server.configure(known="no_hosts")))
    assert isinstance(error, Unauthorized)
    assert "Host key verification failed" in error.what
    assert "fingerprint" in error.fix
    assert (server.folder / "no_hosts").read_text() == ""


async def test_a_changed_host_key_is_told(server: Sshd) -> None:
    stranger = (server.folder / "stranger.pub").read_text().strip()
    (server.folder / "changed").write_text(f"[127.0.0.1]:{server.port} {stranger}\n")
    error = await failure(address(server.configure(known="changed")))
    assert isinstance(error, Unauthorized)
    assert "IDENTIFICATION HAS CHANGED" in error.detail


async def test_a_server_that_is_not_there_is_told(server: Sshd) -> None:
    error = await failure(address(server.config, "ssh://127.0.0.1:1"))
    assert isinstance(error, Unavailable)
    assert "Connection refused" in error.what


async def test_a_name_that_does_not_exist_is_told(server: Sshd) -> None:
    error = await failure(address(server.config, "ssh://nobody.invalid"))
    assert "nobody.invalid" in error.what


async def test_an_engine_that_is_stopped_there_is_told(server: Sshd) -> None:
    error = await failure(address(server.config, "ssh://engine/no/such.sock"))
    assert isinstance(error, Unavailable)
    assert "no such file" in error.what


async def test_a_far_path_without_docker_is_told(tmp_path: Path) -> None:
    with sshd(tmp_path, path="/nowhere") as server:
        error = await failure(address(server.config))
    assert isinstance(error, Unavailable)
    assert "not on the PATH" in error.what


def test_the_terminal_sees_nothing_of_ssh(server: Sshd) -> None:
    """A process with a terminal of its own, an unknown host, a forbidden key: no byte is drawn."""
    code = """
import asyncio, sys
from backends.engines.addresses import resolve
from backends.engines.engine import Engine
async def main(config):
    try:
        async with Engine(resolve({"url": "ssh://engine", "ssh_config": config})) as engine:
            await engine.info()
    except Exception as error:
        open(sys.argv[2], "w").write(type(error).__name__)
asyncio.run(main(sys.argv[1]))
"""
    master, slave = os.openpty()
    told = server.folder / "told"
    config = server.configure(identity="stranger", known="no_hosts")
    subprocess.run(
        [sys.executable, "-c", code, str(config), str(told)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        check=True,
        timeout=60,
    )
    os.set_blocking(master, False)
    with pytest.raises(BlockingIOError):
        os.read(master, 1)
    os.close(slave)
    os.close(master)
    assert told.read_text() == "Unauthorized"


@pytest.mark.parametrize("url", ["ssh://-oProxyCommand=id", "ssh://-l@host", "ssh://@"])
def test_an_address_is_never_an_option_of_ssh(url: str) -> None:
    with pytest.raises(InvalidInput):
        Engine(EngineAddress(url=url, origin="a test"))


def test_a_path_with_blanks_stays_one_word_for_the_far_shell() -> None:
    found = EngineAddress(url="ssh://me@host:2222/run/a%20b;id.sock", origin="a test")
    *options, dashes, host, far = command(found, Path("/x"))
    assert (dashes, host) == ("--", "host")
    assert far == "docker --host 'unix:///run/a b;id.sock' system dial-stdio"
    assert options[-4:] == ["-l", "me", "-p", "2222"]
    assert "-oBatchMode=yes" in options


def test_a_banner_is_not_taken_for_the_reason() -> None:
    text = "Warning: Permanently added 'h' (ED25519) to the list of known hosts.\nHost is full.\n\n"
    error = explain(EngineAddress(url="ssh://h", origin="a test"), 255, text)
    assert "Host is full." in error.what


async def test_a_machine_without_ssh_is_told(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    error = await failure(address(server.config))
    assert "ssh could not be run" in error.what
    await asyncio.sleep(0)
