import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from backends.errors import Conflict
from backends.services.records import Event, Plan, RunFailed, Stage, StageFinished, StageStarted
from backends.workspace import Workspace
from console.app.runs import Runs
from tests.support.deploying import request

STARTED = StageStarted(stage=Stage.BUNDLE, detail="", at=1.0)
FINISHED = StageFinished(stage=Stage.BUNDLE, detail="", seconds=1.0)


async def plan(workspace: Workspace) -> Plan:
    return await workspace.services.plan(request("digits", "onnx_mnist:4"))


async def test_two_views_see_every_event_even_when_one_comes_late(workspace: Workspace) -> None:
    go_on = asyncio.Event()

    async def source() -> AsyncGenerator[Event, None]:
        yield STARTED
        await go_on.wait()
        yield FINISHED

    run = Runs().start(await plan(workspace), source())
    early = run.follow()
    assert await anext(early) == STARTED
    late = run.follow()
    assert await anext(late) == STARTED
    go_on.set()
    assert [event async for event in early] == [FINISHED]
    assert [event async for event in late] == [FINISHED]
    assert run.ended


async def test_an_error_before_the_first_stage_is_the_last_event(workspace: Workspace) -> None:
    async def source() -> AsyncGenerator[Event, None]:
        events: list[Event] = []
        for event in events:
            yield event
        raise Conflict("another operation is in progress")

    runs = Runs()
    run = runs.start(await plan(workspace), source())
    events = [event async for event in run.follow()]
    assert runs.of("digits") is run
    assert runs.of("other") is None
    assert isinstance(cast("RunFailed", events[-1]).error, Conflict)


async def test_a_fault_of_ours_ends_the_run_for_whoever_looks_on(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    async def source() -> AsyncGenerator[Event, None]:
        yield STARTED
        raise ZeroDivisionError("a bug")

    run = Runs().start(await plan(workspace), source())
    *_, last = [event async for event in run.follow()]
    assert isinstance(last, RunFailed)
    assert "a bug" in last.error.what
    assert "ZeroDivisionError" in caplog.text
