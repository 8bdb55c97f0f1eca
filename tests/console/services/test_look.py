"""How the service views look; each docstring says what to look at."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, cast

from textual.pilot import Pilot

from backends.requests.records import Answer, Timing
from backends.services.records import Event, Stage, StageOutput, StageStarted
from backends.services.store import Store
from backends.targets.records import Gap, StreamEnd
from backends.workspace import Workspace
from console.app.services.request_pane import RequestPane
from console.app.widgets.log_spool import LogItem
from console.app.widgets.log_view import LogView
from tests.console.services.conftest import Console
from tests.support.deploying import request
from tests.support.loglines import line
from tests.support.pilots import LARGE, SMALL, USUAL, press, settle
from tests.support.storedservices import NOON, failed, healthy, updating

if TYPE_CHECKING:
    from console.app.app import PilothouseApp
    from console.app.services.service_screen import ServiceScreen

Compare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]

LOG: Sequence[LogItem] = [
    line(1, text="listening on http://127.0.0.1:8890"),
    line(2, text="scored a text", rid="7f3a11", ms=0.8),
    line(3, text="slow tokenizer", rid="7f3b22", ms=48.1, level="WARNING", replica="b"),
    line(4, text='{"message": "scored a text", "label": "POSITIVE", "score": 0.93}', replica="b"),
    line(5, text="ValueError: text is empty\n  File score.py", rid="7f3c33", level="ERROR"),
    Gap("3 s, connection to edge-gw lost", 0),
    line(6, text="wide 日本語 and \x1b[31mred\x1b[0m", rid="7f3d44", ms=1.1),
    StreamEnd("the service was stopped"),
]


def keys(*pressed: str) -> Before:
    """Settle, then press keys."""

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, *pressed)

    return before


def logs(*pressed: str, only: str = "") -> Before:
    """Open the logs on fixed lines."""

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "l")
        view = pilot.app.screen.query_one(LogView)
        view.lines.clear()
        view.lines.append(LOG)
        view.only(only)
        await settle(pilot)
        await press(pilot, *pressed)

    return before


def test_list_small(console: Console, store: Store, snap_compare: Compare) -> None:
    """Each state with glyph and word; one is the last known of a target that is away."""
    healthy(store, "digits")
    updating(store)
    failed(store)
    healthy(store, "away")
    store.unreachable("away")
    assert snap_compare(console(), terminal_size=SMALL, run_before=keys("j"))


def test_list_large(console: Console, store: Store, snap_compare: Compare) -> None:
    """All columns, aligned; addresses to the right."""
    updating(store)
    failed(store)
    assert snap_compare(console(), terminal_size=LARGE, run_before=keys())


def test_list_empty(console: Console, snap_compare: Compare) -> None:
    """Says how to come by a service."""
    assert snap_compare(console(), terminal_size=SMALL, run_before=keys())


def test_timeline_healthy(console: Console, store: Store, snap_compare: Compare) -> None:
    """Stages with their times beneath the deployment, the state last."""
    healthy(store)
    assert snap_compare(console(), terminal_size=USUAL, run_before=keys("enter"))


def test_timeline_deploying(
    console: Console, store: Store, workspace: Workspace, snap_compare: Compare
) -> None:
    """The stage under way has a bar and a time; what serves meanwhile stands in the head."""
    updating(store)

    async def source() -> AsyncGenerator[Event, None]:
        yield StageStarted(
            stage=Stage.START, detail="init(), health", at=NOON + 292, usual_seconds=12.0
        )
        yield StageOutput(stage=Stage.START, line="loading w2v …")
        await asyncio.Event().wait()

    async def before(pilot: Pilot[None]) -> None:
        app = cast("PilothouseApp", pilot.app)
        plan = await workspace.services.plan(request("other", "onnx_mnist:4"))
        run = app.context.runs.start(plan, source())
        app.context.runs._runs["sentiment"] = run
        await keys("enter")(pilot)

    assert snap_compare(console(), terminal_size=USUAL, run_before=before)


def test_failure_small(console: Console, store: Store, snap_compare: Compare) -> None:
    """The card: what failed, the sentence, what to try; the steps beneath."""
    failed(store)
    assert snap_compare(console(), terminal_size=SMALL, run_before=keys("enter"))


def test_failure_large(console: Console, store: Store, snap_compare: Compare) -> None:
    """The whole card: traceback with its indentation, last lines, model directory."""
    failed(store)
    assert snap_compare(console(), terminal_size=LARGE, run_before=keys("enter"))


def test_unreachable(console: Console, store: Store, snap_compare: Compare) -> None:
    """The state is marked as the last known, with its age."""
    healthy(store)
    store.unreachable("sentiment")
    assert snap_compare(console(), terminal_size=SMALL, run_before=keys("enter"))


def test_logs(console: Console, store: Store, snap_compare: Compare) -> None:
    """Levels in their tones, requests and times at the right edge, the gap and the end as rules."""
    healthy(store)
    assert snap_compare(console(), terminal_size=USUAL, run_before=logs())


def test_logs_opened(console: Console, store: Store, snap_compare: Compare) -> None:
    """An open line shows where it came from and all of itself."""
    healthy(store)
    before = logs("k", "k", "k", "enter")
    assert snap_compare(console(), terminal_size=USUAL, run_before=before)


def test_logs_filtered(console: Console, store: Store, snap_compare: Compare) -> None:
    """Only warnings and worse, and the markers; the status says so."""
    healthy(store)
    assert snap_compare(console(), terminal_size=SMALL, run_before=logs(only="level:warning"))


def test_logs_searched(console: Console, store: Store, snap_compare: Compare) -> None:
    """What was looked for is highlighted; the prompt is closed."""
    healthy(store)
    before = logs("slash", "text:scored", "enter")
    assert snap_compare(console(), terminal_size=SMALL, run_before=before)


def answered(status: int, body: object, *pressed: str) -> Before:
    """Open the tester on a fixed answer."""

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "t")
        pane = pilot.app.screen.query_one(RequestPane)
        pane.editor.load('{\n  "text": "Today is a great day!",\n  "top": 3\n}')
        answer = Answer(
            status=status,
            reason="OK" if status == 200 else "Internal Server Error",
            headers=(("content-type", "application/json"), ("x-ms-run-fn-exec-ms", "1.1")),
            body=json.dumps(body).encode(),
            timing=Timing(total=1.9, connect=0.2, wait=1.5, read=0.2, queue=0.0, run=1.1),
            request_id="7f3a11c2-0000",
            at=NOON,
        )
        pane.post_message(RequestPane.Answered(answer))
        await settle(pilot)
        await press(pilot, *pressed)

    return before


def test_request(console: Console, store: Store, snap_compare: Compare) -> None:
    """Body left, answer right: status, where the time went, indented body."""
    healthy(store)
    body = {"label": "POSITIVE", "scores": [0.93, 0.05, 0.02], "tokens": ["Today", "day"]}
    assert snap_compare(console(), terminal_size=USUAL, run_before=answered(200, body))


def test_tester_small(console: Console, store: Store, snap_compare: Compare) -> None:
    """A failed request, its headers shown."""
    healthy(store)
    before = answered(500, "text is empty", "escape", "h")
    assert snap_compare(console(), terminal_size=SMALL, run_before=before)


def test_tester_wrong_json(console: Console, store: Store, snap_compare: Compare) -> None:
    """Line and column of the first error, while one types."""
    healthy(store)

    async def before(pilot: Pilot[None]) -> None:
        await answered(200, {})(pilot)
        await pilot.press("x")
        await pilot.pause(0.2)
        await settle(pilot)

    assert snap_compare(console(), terminal_size=SMALL, run_before=before)


def test_revisions(console: Console, store: Store, snap_compare: Compare) -> None:
    """Newest first; which serves and which comes up."""
    updating(store)
    assert snap_compare(console(), terminal_size=SMALL, run_before=keys("v"))


def test_config(console: Console, store: Store, snap_compare: Compare) -> None:
    """What runs, what changed since the revision before, both files."""
    updating(store)
    assert snap_compare(console(), terminal_size=USUAL, run_before=keys("c"))


def test_delete(console: Console, store: Store, snap_compare: Compare) -> None:
    """The name has to be typed; what goes away and the command line are said."""
    healthy(store)
    assert snap_compare(console(), terminal_size=SMALL, run_before=keys("X"))


def test_light(console: Console, store: Store, snap_compare: Compare) -> None:
    """The failure card on a light ground."""
    failed(store)
    assert snap_compare(console("light"), terminal_size=USUAL, run_before=keys("enter"))


def test_view_of_a_service_that_is_gone_goes_back(
    console: Console, store: Store, snap_compare: Compare
) -> None:
    """The list, and a toast that names the service."""
    healthy(store)
    healthy(store, "other")

    async def before(pilot: Pilot[None]) -> None:
        await keys("j", "enter")(pilot)
        store.forget("sentiment")
        cast("ServiceScreen", pilot.app.screen).reload()
        await settle(pilot)

    assert snap_compare(console(), terminal_size=SMALL, run_before=before)
