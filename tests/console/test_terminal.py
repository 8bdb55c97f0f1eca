"""The console in a real terminal, over a service that misbehaves."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from backends.targets.records import ServiceState
from backends.workspace import Workspace
from tests.support.deploying import deploy, request, score, write_project
from tests.support.terminal import Terminal, console

SCRIPT = """\
import json


def init():
    pass


def run(data):
    print("\\x1b]0;PWNED\\x07 \\x1b[31mred\\x1b[0m \\x1b[2J \\x9b31m harmless words")
    while json.loads(data).get("loop"):
        pass
    return "answered"
"""
HOSTILE = (b"\x1b]0;PWNED", b"PWNED\x07", "\x9b31m".encode())


@pytest.fixture
async def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    """A workspace with one service, `talker`, whose log is hostile."""
    monkeypatch.setenv("PILOTHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PILOTHOUSE_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    opened = Workspace.open("default")
    write_project(tmp_path, SCRIPT)
    inference = {"entryScript": "score.py", "sourceDirectory": "./project"}
    limits = {"computeType": "process", "scoringTimeoutMs": 2000}
    await deploy(opened, request("talker", inference=inference, deployment=limits))
    yield opened
    for service in opened.services.list():
        await opened.services.delete(service.name)
    await opened.aclose()


@pytest.fixture
def terminal(workspace: Workspace) -> Iterator[Terminal]:
    """The console on the service's view."""
    with console(env={}) as opened:
        opened.wait_for("Models")
        opened.send("2")
        opened.wait_for("talker")
        yield opened


def _answers_keys(terminal: Terminal) -> None:
    """It still does what a key asks for."""
    terminal.send("4")
    terminal.wait_for("WHEN")
    terminal.send("2")
    terminal.wait_for("REVISION")


def _supervisor(name: str) -> psutil.Process:
    marker = f"default/{name}"
    for process in psutil.process_iter():
        try:
            marked = process.environ().get("PILOTHOUSE_SERVICE") == marker
            if marked and "backends.scoring" in process.cmdline():
                return process
        except psutil.Error:
            continue
    raise AssertionError(f"no supervisor of {name} runs")


@pytest.mark.parametrize("how", ["q", signal.SIGTERM, signal.SIGHUP])
async def test_it_ends_with_the_terminal_sane_and_services_running(
    terminal: Terminal, workspace: Workspace, how: str | signal.Signals
) -> None:
    """On `q` at the root, SIGTERM and SIGHUP alike."""
    if isinstance(how, str):
        terminal.send("1")
        terminal.wait_for("No model")
        terminal.send(how)
        assert terminal.wait_end() == 0
    else:
        os.kill(terminal.process.pid, how)
        assert terminal.wait_end() == 128 + how
    assert terminal.settings == terminal.before
    for switched_off in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"):
        assert switched_off in terminal.raw
    assert (await score(workspace, "talker")).status == 200


async def test_it_shows_that_a_service_died_and_stays_usable(terminal: Terminal) -> None:
    """The supervisor killed with -9 while its service is on the screen."""
    _supervisor("talker").kill()
    terminal.wait_for(ServiceState.FAILED.value)
    _answers_keys(terminal)


async def test_it_stays_usable_while_a_worker_loops(
    terminal: Terminal, workspace: Workspace
) -> None:
    """The request ends in 504, the console never waits for it."""
    answer = await score(workspace, "talker", '{"loop": true}')
    assert answer.status == 504
    _answers_keys(terminal)


async def test_no_escape_sequence_of_a_log_reaches_the_terminal(
    terminal: Terminal, workspace: Workspace
) -> None:
    """The words are shown, what surrounds them is not acted upon."""
    assert (await score(workspace, "talker")).status == 200
    terminal.send("l")
    terminal.wait_for("harmless words")
    for sequence in HOSTILE:
        assert sequence not in terminal.raw


async def test_it_survives_a_tiny_terminal(terminal: Terminal) -> None:
    """20x5 and back."""
    terminal.resize(20, 5)
    terminal.send("j")
    terminal.wait_for(lambda text: bool(text.strip()))
    terminal.resize(100, 30)
    terminal.wait_for("talker")
    _answers_keys(terminal)
