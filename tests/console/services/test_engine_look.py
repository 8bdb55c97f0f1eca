"""How builds, replicas and figures of engines look; each docstring says what to look at."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, cast

import pytest
from textual.pilot import Pilot

from backends.errors import BuildFailed
from backends.services.records import Event, RunFailed, Stage, StageOutput, StageStarted, StageStep
from backends.services.store import Store
from backends.targets.records import Replica, ServiceState, Usage
from backends.workspace import Workspace
from console.app.services.metrics import Reading
from console.app.services.metrics_pane import MetricsPane
from tests.console.services.conftest import Console
from tests.support.deploying import request
from tests.support.pilots import press, settle
from tests.support.storedservices import NOON, NOW, healthy, updating

if TYPE_CHECKING:
    from console.app.app import PilothouseApp

Compare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]
NARROW, WIDE = (80, 24), (160, 48)
SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])

TELLING = "error: harbour==9.0 has no version for Python 3.11"


def _step(number: int, title: str, seconds: float | None, size: int = 0) -> StageStep:
    return StageStep(
        stage=Stage.ENVIRONMENT,
        number=number,
        title=title,
        at=NOON + 290 + number,
        seconds=seconds,
        size=size,
        cached=seconds == 0.0,
    )


BUILDING: Sequence[Event] = (
    StageStarted(stage=Stage.ENVIRONMENT, detail="4f1e9a0b77c2", at=NOON + 290, usual_seconds=40.0),
    _step(1, "base image python:3.11-slim", 0.0, 151_000_000),
    _step(2, "packages", None),
    StageOutput(stage=Stage.ENVIRONMENT, line="Using Python 3.11.9 at: /usr/local"),
    *(
        StageOutput(stage=Stage.ENVIRONMENT, line=f"Downloading package-{number} (1.2 MB)")
        for number in range(12)
    ),
)


def _run_of(workspace: Workspace, *more: Event) -> Before:
    async def source() -> AsyncGenerator[Event, None]:
        for event in (*BUILDING, *more):
            yield event
        if not more:
            await asyncio.Event().wait()

    async def before(pilot: Pilot[None]) -> None:
        app = cast("PilothouseApp", pilot.app)
        plan = await workspace.services.plan(request("other", "onnx_mnist:4"))
        app.context.runs._runs["sentiment"] = app.context.runs.start(plan, source())
        await settle(pilot)
        await press(pilot, "enter")

    return before


@SIZES
def test_building(
    console: Console,
    store: Store,
    workspace: Workspace,
    snap_compare: Compare,
    size: tuple[int, int],
) -> None:
    """Steps with bytes and time, the one under way counts; the output's end beneath."""
    updating(store)
    assert snap_compare(console(), terminal_size=size, run_before=_run_of(workspace))


@SIZES
def test_build_failed(
    console: Console,
    store: Store,
    workspace: Workspace,
    snap_compare: Compare,
    size: tuple[int, int],
) -> None:
    """The failed step, and the line that tells why stands out."""
    updating(store)
    error = BuildFailed(f"The packages: {TELLING}.", fix="Correct the pin.")
    before = _run_of(
        workspace,
        StageOutput(stage=Stage.ENVIRONMENT, line=TELLING),
        StageOutput(stage=Stage.ENVIRONMENT, line="hint: ask for harbour<9"),
        RunFailed(stage=Stage.ENVIRONMENT, error=error, service=None),
    )

    async def calm(pilot: Pilot[None]) -> None:
        await before(pilot)
        pilot.app.clear_notifications()
        await settle(pilot)

    assert snap_compare(console(), terminal_size=size, run_before=calm)


@SIZES
def test_replicas(
    console: Console,
    store: Store,
    snap_compare: Compare,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Processor, memory of its limit, network; three replicas, one of them restarting."""
    healthy(store)
    names = ("pilothouse.north.sentiment.r1.1", "pilothouse.north.sentiment.r1.2")
    replicas = (
        *(
            Replica(
                name=name,
                revision=1,
                state=ServiceState.HEALTHY,
                reason="revision 1 serves",
                role="serving",
                since=NOW - 400,
            )
            for name in names
        ),
        Replica(
            name="pilothouse.north.sentiment.r1.3",
            revision=1,
            state=ServiceState.UNHEALTHY,
            reason="it ran out of memory (limit 512 MB)",
            role="coming",
            since=NOW - 3,
            restarts=4,
        ),
    )

    async def still(self: MetricsPane) -> None:
        for number in range(30):
            usage = Usage(
                at=NOW - 60 + 2 * number,
                cpu_percent=20.0 + 3 * (number % 9),
                memory_bytes=300_000_000 + number * 1_000_000,
                processes=12,
                memory_limit_bytes=1_536_000_000,
                received_bytes=1000 * number**2,
                sent_bytes=300 * number**2,
            )
            reading = Reading(at=NOW, usage=usage, replicas=replicas)
            self.post_message(self.Read(reading, ""))

    monkeypatch.setattr(MetricsPane, "_measure", lambda self: self.run_worker(still(self)))

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "enter", "m")

    assert snap_compare(console(), terminal_size=size, run_before=before)


@SIZES
def test_scaling(
    console: Console, store: Store, snap_compare: Compare, size: tuple[int, int]
) -> None:
    """The number that is asked for, and the command line that does the same."""
    healthy(store)

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "enter", "r")

    assert snap_compare(console(), terminal_size=size, run_before=before)
