"""The service views over real services, driven by keys."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backends.requests.records import Request
from backends.services.records import DeployRequest
from backends.targets.records import ServiceState
from backends.workspace import Workspace
from console.app.app import PilothouseApp
from console.app.services.request_pane import RequestPane
from console.app.services.service_screen import ServiceScreen
from console.app.widgets.log_view import LogView
from console.settings import Settings
from tests.support.deploying import deploy, request, score, write_project
from tests.support.pilots import USUAL, press, screen_text

SCRIPT = """\
import json

def init():
    print("the model is loaded")

def run(data):
    body = json.loads(data)
    print("asked for", body)
    while body.get("loop"):
        pass
    return {"said": body}
"""
BROKEN = """\
def init():
    print("about to fail")
    raise ValueError("the weights are missing")

def run(data):
    return data
"""
DEADLINE = 15.0

Check = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture
async def served(workspace: Workspace, tmp_path: Path) -> AsyncIterator[Workspace]:
    """A workspace where `talker` answers; everything ends with the test."""
    write_project(tmp_path, SCRIPT)
    await deploy(workspace, asked("talker", tmp_path, scoringTimeoutMs=2000))
    yield workspace
    for service in workspace.services.list():
        await workspace.services.delete(service.name)
    await workspace.aclose()


def asked(name: str, folder: Path, **deployment: object) -> DeployRequest:
    """A deployment of the project."""
    inference = {"entryScript": "score.py", "sourceDirectory": str(folder / "project")}
    where = {"computeType": "process", **deployment}
    return request(name, inference=inference, deployment=where)


async def driven(workspace: Workspace, check: Check, *, read_only: bool = False) -> None:
    """Run a check in the app on Services; there must be no fault."""
    app = PilothouseApp(
        workspace, settings=Settings(theme="dark", read_only=read_only), start="services"
    )
    async with app.run_test(size=USUAL, notifications=True) as pilot:
        await until(pilot, lambda: app._begun)
        await shows(pilot, "talker")
        await check(pilot)
    assert app.faults == []


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait for a state, with a deadline."""
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, screen_text(pilot)
        await pilot.pause(0.02)


async def shows(pilot: Pilot[None], *texts: str) -> None:
    """Wait until all of these are on the screen."""
    await until(pilot, lambda: all(text in screen_text(pilot) for text in texts))


async def lacks(pilot: Pilot[None], text: str) -> None:
    """Wait until this is no longer on the screen."""
    await until(pilot, lambda: text not in screen_text(pilot))


async def test_from_the_list_through_every_view_and_back(served: Workspace) -> None:
    async def check(pilot: Pilot[None]) -> None:
        await shows(pilot, "● Healthy", "r1", "1/1")
        await press(pilot, "enter")
        await shows(pilot, "deploy r1", "└ ● Healthy", "r1 serves 1/1")
        for key, text in (
            ("l", "the model is loaded"),
            ("m", "processes"),
            ("c", "entry script"),
            ("v", "● serves"),
            ("e", "deploy r1"),
        ):
            await press(pilot, key)
            await shows(pilot, text)
        await press(pilot, "right_square_bracket")
        await shows(pilot, "the model is loaded")
        await press(pilot, "escape")
        await shows(pilot, "NAME", "1 service")

    await driven(served, check)


async def test_a_request_is_sent_answered_kept_and_found_in_the_log(served: Workspace) -> None:
    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, "t")
        await shows(pilot, "no key wanted")
        pilot.app.screen.query_one(RequestPane).editor.load('{"text": "hello"}')
        await pilot.press("ctrl+j")
        await shows(pilot, "● 200 OK", '"said"', '"hello"', "run ")
        await press(pilot, "escape", "h")
        await shows(pilot, "x-request-id")
        await press(pilot, "enter")
        await shows(pilot, "only 'rid:", "POST /score")
        view = pilot.app.screen.query_one(LogView)
        await until(pilot, lambda: view.lines.shown >= 1)
        assert "the model is loaded" not in screen_text(pilot)
        await press(pilot, "right_square_bracket", "escape", "H")
        await shows(pilot, "enter shows one", "● 200 OK")
        await pilot.press("r")
        await until(pilot, lambda: len(served.history.recent("talker")) == 2)

    await driven(served, check)


async def test_a_request_is_saved_and_copied_as_command_lines(served: Workspace) -> None:
    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, "t")
        await shows(pilot, "no key wanted")
        pane = pilot.app.screen.query_one(RequestPane)
        pane.editor.load('{"text": "it\'s"}')
        await pilot.press("ctrl+s")
        await shows(pilot, "Save this request")
        await press(pilot, "text:greeting", "enter")
        await until(pilot, lambda: len(served.history.saved("talker")) == 1)
        name, saved = served.history.saved("talker")[0]
        assert (name, saved.body) == ("greeting", '{"text": "it\'s"}')
        assert isinstance(saved, Request)
        await pane.copy_as("curl")
        assert pane._copied("curl").startswith("curl -sS -X POST http://127.0.0.1:")
        assert pane._copied("command").startswith("pilothouse service run -n talker -d ")

    await driven(served, check)


async def test_a_key_is_fetched_sent_and_never_shown(served: Workspace, tmp_path: Path) -> None:
    await deploy(served, asked("locked", tmp_path, authEnabled=True))
    keys = await served.services.keys("locked")

    async def check(pilot: Pilot[None]) -> None:
        await shows(pilot, "locked")
        await press(pilot, "g", "t")
        await shows(pilot, "key ••••")
        await pilot.press("ctrl+j")
        await shows(pilot, "● 200 OK")
        await press(pilot, "escape", "h")
        assert keys.primary not in screen_text(pilot)
        assert all(keys.primary not in str(one.request) for one in served.history.recent("locked"))

    await driven(served, check)


async def test_a_body_comes_from_a_file_and_a_wrong_one_is_refused(
    served: Workspace, tmp_path: Path
) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"from": "a file"}')
    binary = tmp_path / "image.png"
    binary.write_bytes(b"\x89PNG\xff\xfe")

    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, "t")
        await shows(pilot, "no key wanted")
        pane = pilot.app.screen.query_one(RequestPane)
        for path, text in ((body, '"from"'), (binary, "is no text")):
            await pilot.press("ctrl+o")
            await shows(pilot, "Body from a file")
            pilot.app.screen.query_one("Input").value = str(path)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await shows(pilot, text)
        assert json.loads(pane.editor.text) == {"from": "a file"}

    await driven(served, check)


async def test_an_update_shows_its_plan_and_then_its_progress(served: Workspace) -> None:
    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, "u")
        await shows(pilot, "Update talker to which version?", "sentiment")
        await press(pilot, "enter")
        await shows(pilot, "Update talker to r2?", "pilothouse service update -n talker -m ")
        await press(pilot, "enter")
        await shows(pilot, "update r2", "r2 serves 1/1")
        await press(pilot, "v")
        await shows(pilot, "r2", "● serves")
        await press(pilot, "j", "b")
        await shows(pilot, "as r3?", "Changes")
        await press(pilot, "enter")
        await shows(pilot, "r3 serves 1/1")

    await driven(served, check)


async def test_a_failed_start_is_explained_and_the_log_is_one_key_away(
    served: Workspace, tmp_path: Path
) -> None:
    write_project(tmp_path, BROKEN)
    plan = await served.services.plan(asked("broken", tmp_path))
    async for _event in served.services.run(plan, timeout=DEADLINE):
        pass

    async def check(pilot: Pilot[None]) -> None:
        await shows(pilot, "✖ Failed")
        await press(pilot, "g", "enter")
        await shows(pilot, "Failed in init()", "ValueError: the weights are missing", "→ Correct")
        await press(pilot, "enter")
        await shows(pilot, "pinned", "about to fail", "raise ValueError")

    await driven(served, check)


async def test_stop_and_start_ask_first(served: Workspace) -> None:
    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, "s")
        await shows(pilot, "Stop talker?", "pilothouse service stop -n talker")
        await press(pilot, "tab", "enter")
        await shows(pilot, "○ Stopped")
        await press(pilot, "s")
        await shows(pilot, "Start talker?")
        await press(pilot, "tab", "enter")
        await shows(pilot, "● Healthy")

    await driven(served, check)


async def test_deleting_takes_the_typed_name_and_leads_back_to_the_list(
    served: Workspace,
) -> None:
    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, "enter")
        await shows(pilot, "deploy r1")
        await press(pilot, "X", "text:talk", "enter")
        assert served.services.list()
        await press(pilot, "text:er", "enter", "enter")
        await until(pilot, lambda: not served.services.list())
        await shows(pilot, "No service yet")

    await driven(served, check)


@pytest.mark.parametrize("key", ["u", "b", "s", "X"])
async def test_read_only_refuses_every_change(served: Workspace, key: str) -> None:
    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, key)
        await shows(pilot, "Read-only: cannot")
        assert not pilot.app.screen.is_modal

    await driven(served, check, read_only=True)


async def test_the_view_stays_up_when_the_worker_loops_and_when_the_service_dies(
    served: Workspace,
) -> None:
    loop = asyncio.create_task(score(served, "talker", '{"loop": true}'))

    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, "l")
        await shows(pilot, "asked for")
        await press(pilot, "m")
        await shows(pilot, "processes")
        await served.services.stop("talker")
        await shows(pilot, "○ Stopped")
        await press(pilot, "t")
        await pilot.press("ctrl+j")
        await shows(pilot, "✖ ")
        await press(pilot, "escape", "e")
        await shows(pilot, "stop r1")

    await driven(served, check)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


async def test_a_service_deleted_elsewhere_leads_back_to_the_list(served: Workspace) -> None:
    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, "enter")
        await shows(pilot, "deploy r1")
        other = Workspace.open(served.name)
        await other.services.delete("talker")
        await other.aclose()
        await until(pilot, lambda: not isinstance(pilot.app.screen, ServiceScreen))
        await shows(pilot, "No service yet")

    await driven(served, check)


async def test_a_service_that_never_was_is_not_called_deleted(served: Workspace) -> None:
    async def check(pilot: Pilot[None]) -> None:
        await press(pilot, "colon", "text:logs nobody", "enter")
        await shows(pilot, "There is no service 'nobody'")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ServiceScreen))
        assert "deleted" not in screen_text(pilot)
        await press(pilot, "s")
        await shows(pilot, "Stop talker?", "its files and", "address stay")
        assert not pilot.app.screen.query("Toast")  # no notice lies over the choices

    await driven(served, check)


async def test_the_list_is_filtered_by_state_and_name(served: Workspace, tmp_path: Path) -> None:
    await deploy(served, asked("other", tmp_path))
    await served.services.stop("other")
    assert (await served.services.show("other")).state is ServiceState.STOPPED

    async def check(pilot: Pilot[None]) -> None:
        await shows(pilot, "other")
        await press(pilot, "slash", "text:state:stopped", "enter")
        await shows(pilot, "1 of 2")
        await lacks(pilot, "talker")
        await press(pilot, "escape", "escape")
        await shows(pilot, "talker")

    await driven(served, check)
