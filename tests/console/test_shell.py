"""A shell beside a service from the console, in a real terminal, and from the command line."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backends.services.records import Revision
from backends.services.store import Store
from backends.targets.catalog import TargetRecord
from backends.targets.records import ServiceSpec
from backends.workspace import Workspace
from tests.support.containers import SOCKET, asked, needs_engine, remove_workspace
from tests.support.serviceimages import service_image
from tests.support.services import applied, echo
from tests.support.terminal import Terminal, console

pytestmark = needs_engine()


@pytest.fixture
async def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    """A workspace with one service, `talker`, on the real engine."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    name = f"test-{secrets.token_hex(4)}"
    monkeypatch.setenv("PILOTHOUSE_WORKSPACE", name)
    opened = Workspace.open(name)
    settings = {"url": f"unix://{SOCKET}"}
    target = TargetRecord(name="engine", kind="docker", workspace=name, settings=settings)
    opened.targets.attach(target)
    app = echo(tmp_path)
    spec = ServiceSpec(
        workspace=name,
        name="talker",
        revision=1,
        target="engine",
        bundle=app,
        entry_script="score.py",
        image=await asyncio.to_thread(service_image, app),
    )
    await applied(opened.targets.open("engine"), spec)
    store = Store(opened.database)
    store.put_revision(
        Revision(number=1, created=0, actor="", spec=spec, inference=None, deployment=None), "local"
    )
    store.mark_applied(spec, "local")
    yield opened
    await opened.aclose()
    remove_workspace(name)


@pytest.fixture
def terminal(workspace: Workspace) -> Iterator[Terminal]:
    """The console on the service's view."""
    with console(env={}) as opened:
        opened.wait_for("Models")
        opened.send("2")
        opened.wait_for("● Healthy")
        opened.send("\r")
        opened.wait_for("Timeline")
        opened.wait_for("x shell")
        yield opened


SCREEN = b"\x1b[?1049h"
"""The console takes the alternate screen, which the emulator does not tell apart."""


def _back(terminal: Terminal) -> None:
    """Wait until the console has the terminal again."""
    terminal.wait_for(lambda _text: terminal.raw.count(SCREEN) == 2)
    terminal.wait_for("x shell")


def _typed(screen: str) -> str:
    """What stands in the dialog's line."""
    lines = [line.strip(" │▌") for line in screen.splitlines()]
    asked = next(at for at, line in enumerate(lines) if line.startswith("How many"))
    return lines[asked + 2]


def test_the_shell_has_the_terminal_and_the_console_comes_back(terminal: Terminal) -> None:
    terminal.send("x")
    terminal.wait_for("ctrl+] comes back")
    terminal.wait_for("pilothouse@")
    terminal.send("stty size\r")
    terminal.wait_for("30 100")
    terminal.resize(90, 25)
    terminal.send("sleep 0.6; stty size; echo done\r")
    terminal.wait_for("25 90")
    terminal.send("exit\r")
    _back(terminal)
    terminal.send("m")
    terminal.wait_for("Replicas")
    terminal.send("2")
    terminal.wait_for("REVISION")
    terminal.send("qq")
    assert terminal.wait_end() == 0


def test_a_shell_that_does_not_end_is_left_with_a_key(terminal: Terminal) -> None:
    terminal.send("x")
    terminal.wait_for("pilothouse@")
    terminal.send("sleep 4243\r")
    terminal.send("\x1d")
    _back(terminal)
    terminal.send("c")
    terminal.wait_for("entry script")


async def test_a_shell_whose_container_is_killed_gives_the_console_back(
    terminal: Terminal, workspace: Workspace
) -> None:
    (replica,) = await workspace.services.replicas("talker")
    await asyncio.to_thread(terminal.send, "x")
    await asyncio.to_thread(terminal.wait_for, "pilothouse@")
    await asked(lambda engine: engine.kill(replica.name))
    await asyncio.to_thread(_back, terminal)
    await asyncio.to_thread(terminal.send, "4")
    await asyncio.to_thread(terminal.wait_for, "WHEN")


def test_replicas_are_changed_from_the_view_and_each_is_shown(terminal: Terminal) -> None:
    terminal.send("r")
    terminal.wait_for("How many are to run?")
    terminal.wait_for(lambda text: _typed(text) == "1")
    while _typed(terminal.text):
        terminal.send("\x7f")
        terminal.wait_for("Replicas of")
        terminal._read(0.2)
    terminal.send("2")
    terminal.wait_for(lambda text: _typed(text) == "2")
    terminal.send("\r")
    terminal.wait_for("r1 serves 2/2")
    terminal.send("m")
    terminal.wait_for("received")
    terminal.wait_for("talker.r1.2")


def test_the_command_line_scales(workspace: Workspace) -> None:
    with console("service", "scale", "-n", "talker", "-r", "2", "-o", "table", env={}) as terminal:
        assert terminal.wait_end() == 0
        assert "2/2" in terminal.text
    with console("service", "scale", "-n", "talker", "-r", "0", env={}) as terminal:
        assert terminal.wait_end() == 2


def test_the_command_line_opens_the_same_shell(workspace: Workspace) -> None:
    with console("service", "exec", "-n", "talker", env={}) as terminal:
        before = terminal.settings
        terminal.wait_for("pilothouse@")
        terminal.send("exit 9\r")
        assert terminal.wait_end() == 9
        assert terminal.settings == before
