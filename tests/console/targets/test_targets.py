"""The Targets view: what answers, and what each target can do."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from textual.pilot import Pilot

from backends.services.store import Store
from backends.targets.catalog import TargetRecord
from backends.workspace import Workspace
from tests.console.conftest import Starter
from tests.support.containers import needs_engine
from tests.support.pilots import SMALL, USUAL, press, screen_text, settle
from tests.support.storedservices import healthy

DEADLINE = 20.0


@pytest.fixture
def silent() -> Iterator[str]:
    """Address of an engine that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


async def shows(pilot: Pilot[None], met: str | Callable[[str], bool]) -> str:
    """Wait until the screen holds a text."""
    test = met if callable(met) else lambda text: met in text
    end = time.monotonic() + DEADLINE
    while not test(shown := screen_text(pilot)):
        assert time.monotonic() < end, f"{met!r} never came up:\n{shown}"
        await pilot.pause(0.02)
    return shown


def attached(workspace: Workspace, name: str, **settings: str) -> None:
    record = TargetRecord(name=name, kind="docker", workspace="factory-north", settings=settings)
    workspace.targets.attach(record)


async def test_this_machine_answers_with_what_it_has(workspace: Workspace, start: Starter) -> None:
    app = start(workspace, mode="targets")
    async with app.run_test(size=(160, 30)) as pilot:
        await settle(pilot)
        shown = screen_text(pilot)
        assert "● " in shown
        assert "GB" in shown
        assert "✓ stop and start" in shown
        assert "─ runs container images" in shown
        assert "process ● " in shown.splitlines()[0]


async def test_enter_opens_the_detail_on_a_small_terminal(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace, mode="targets")
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        assert "stop and start" not in screen_text(pilot)
        await press(pilot, "enter")
        assert "stop and start" in screen_text(pilot)
        await press(pilot, "escape")
        assert "LINK" in screen_text(pilot)


async def test_a_target_without_a_driver_is_shown_with_the_reason(
    workspace: Workspace, start: Starter
) -> None:
    assert [target.name for target in workspace.targets.list()] == ["process"]
    with workspace.database.write() as db:
        db.execute("INSERT INTO targets VALUES ('old-cluster', 'mesos', '{}')")
    assert TargetRecord(name="old-cluster", kind="mesos", workspace="factory-north") in (
        workspace.targets.list()
    )
    app = start(workspace, mode="targets")
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "G")
        shown = screen_text(pilot)
        assert "✖ no answer" in shown
        assert "no driver for 'mesos'" in shown


@needs_engine()
async def test_an_engine_is_attached_by_a_form_that_asks_it_live(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace, mode="targets")
    async with app.run_test(size=SMALL) as pilot:
        await shows(pilot, "process ●")
        await pilot.press("n")
        await shows(pilot, "reached by")
        await pilot.press(*"edge", "tab", "tab", "right")
        await shows(pilot, "needed: url")
        await pilot.press("tab", *"/var/run/nix.sock")
        await shows(pilot, "there is no socket at")
        await shows(pilot, "Start the engine")
        await pilot.press(*["backspace"] * 8, *"docker.sock")
        await shows(pilot, lambda text: "● Docker" in text and "cores" in text and " ms" in text)
        await pilot.press("enter")
        await shows(pilot, "2 targets")
        assert dict(workspace.targets.get("edge").settings) == {"url": "/var/run/docker.sock"}
        await pilot.press("j", "d")
        await shows(pilot, "docker · default")
        assert workspace.targets.default() == "edge"
        await settle(pilot)
        app.clear_notifications()
        await shows(pilot, "i images")
        await pilot.press("i")
        await shows(pilot, "needed by".upper())
        await pilot.press("escape")
        await shows(pilot, "e settings")
        await pilot.press("e")
        await shows(pilot, "Settings of edge")
        await pilot.press("escape")
        await pilot.press("X")
        await shows(pilot, "Detach edge?")
        await pilot.press("tab", "enter")
        await shows(pilot, "1 target")


async def test_a_dangerous_address_is_refused_in_the_form(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace, mode="targets")
    async with app.run_test(size=USUAL) as pilot:
        await shows(pilot, "process ●")
        await pilot.press("n")
        await shows(pilot, "reached by")
        await pilot.press(*"far", "tab", "tab", "right", "right", "tab", *"tcp://192.0.2.1:2375")
        await shows(pilot, "is plain HTTP")
        await pilot.press("enter")
        await shows(pilot, "is plain HTTP")
        assert [target.name for target in workspace.targets.list()] == ["process"]


async def test_this_machine_cannot_be_detached_or_changed(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace, mode="targets")
    async with app.run_test(size=USUAL) as pilot:
        shown = await shows(pilot, "process ●")
        assert "X detach" not in shown
        await pilot.press("X")
        await settle(pilot)
        assert "nobody can detach it" in next(iter(app._notifications)).title


async def test_an_engine_that_says_nothing_delays_no_key_and_no_other_target(
    workspace: Workspace, start: Starter, silent: str
) -> None:
    attached(workspace, "mute", url=silent)
    store = Store(workspace.database)
    healthy(store, "sentiment")
    with workspace.database.write() as db:
        db.execute("UPDATE services SET target = 'mute'")
    app = start(workspace, mode="targets", clock=time.time)
    async with app.run_test(size=USUAL) as pilot:
        await shows(pilot, lambda text: "asking …" in text and "● " in text)
        await pilot.press("2")
        await shows(pilot, "sentiment")
        await pilot.press("enter")
        await shows(pilot, lambda text: "as seen" in text and "asking mute" in text)
        for key, word in (("c", "entry script"), ("v", "MODELS"), ("m", "asking"), ("e", "TOOK")):
            await pilot.press(key)
            async with asyncio.timeout(4.0):
                await shows(pilot, lambda text, word=word: word in text)  # type: ignore[misc]
        await pilot.press("1")
        await shows(pilot, "onnx_mnist")
