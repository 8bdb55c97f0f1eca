"""The Activity view: what it lists and where it leads."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from backends.services.records import Transition
from backends.services.store import Store
from backends.targets.records import ServiceState
from backends.workspace import Workspace
from tests.console.conftest import Starter
from tests.support.pilots import SMALL, USUAL, press, screen_text, settle

STORY = (
    ("sentiment", "deploy", ServiceState.TRANSITIONING, "sentiment:1", 1, "ops"),
    ("sentiment", "state", ServiceState.HEALTHY, "1 of 1 replicas answer", 1, ""),
    ("pumps", "deploy", ServiceState.TRANSITIONING, "pump_vibration:1", 1, "ops"),
    ("pumps", "state", ServiceState.FAILED, "init() raised\x1b[2J KeyError: 'x'", 1, ""),
    ("sentiment", "stop", ServiceState.STOPPED, "stopped", 1, "ops"),
)


NOON = 1_760_000_400.0


def clock() -> float:
    """Ten minutes after the story began."""
    return NOON + 600


@pytest.fixture
def told(empty_workspace: Workspace) -> Workspace:
    """A workspace in which a few things happened, a minute apart."""
    store = Store(empty_workspace.database)
    for number, (service, kind, state, reason, revision, actor) in enumerate(STORY):
        store.record(
            Transition(
                service=service,
                at=NOON + 60 * number,
                kind=kind,
                state=state,
                reason=reason,
                revision=revision,
                actor=actor,
            )
        )
    return empty_workspace


async def test_the_newest_comes_first(told: Workspace, start: Starter) -> None:
    app = start(told, mode="activity", clock=clock)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        lines = screen_text(pilot).splitlines()
        assert "○ Stopped" in lines[4]
        assert "✖ Failed" in lines[5]
        assert "KeyError" in lines[5]
        assert "\x1b" not in "".join(lines)
        assert "5 events" in lines[0]


async def test_the_filter_applies_and_completes(told: Workspace, start: Starter) -> None:
    app = start(told, mode="activity", clock=clock)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:pumps", "enter")
        assert "2 of 5" in screen_text(pilot)
        await press(pilot, "slash", *["backspace"] * 5, "text:state:He", "tab", "enter")
        assert "1 of 5" in screen_text(pilot)
        assert "● Healthy" in screen_text(pilot)
        await press(pilot, "escape")
        assert "1 of 5" not in screen_text(pilot)


async def test_an_empty_one_says_what_to_do(empty_workspace: Workspace, start: Starter) -> None:
    app = start(empty_workspace, mode="activity")
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        assert ":deploy MODEL" in screen_text(pilot)


def test_look(told: Workspace, start: Starter, snap_compare: Callable[..., bool]) -> None:
    """Each state has its glyph, its word and its colour; who did it stands at the end."""

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)

    app = start(told, mode="activity", clock=clock)
    assert snap_compare(app, terminal_size=SMALL, run_before=before)
