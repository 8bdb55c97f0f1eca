"""A build as it goes: its steps with time and bytes, and the end of what it says. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from backends.services.records import (
    Event,
    RunFailed,
    Stage,
    StageFinished,
    StageOutput,
    StageStarted,
    StageStep,
)
from console import present
from console.app.services.present import BUILDS, Line, around, output_lines
from console.present import Cell, Tone
from console.printable import printable

LEAST = 2
"""Lines of output beneath the steps, at least."""


class Build(Struct, frozen=True, kw_only=True):
    """What the events of a run tell of its builds."""

    stage: Stage
    """The last one that built."""
    steps: tuple[StageStep, ...]
    """Of that stage; each as last told."""
    said: tuple[str, ...]
    """All output of all stages."""
    going: bool
    failure: str = ""
    """Why it failed."""


def build_of(events: Sequence[Event]) -> Build | None:
    """The build that is under way or has failed; None when there is nothing to look at."""
    stage: Stage | None = None
    steps: dict[int, StageStep] = {}
    said: list[str] = []
    going, failure = False, ""
    for event in events:
        match event:
            case StageStarted() if event.stage.value in BUILDS:
                stage, going = event.stage, True
                steps.clear()
            case StageStep():
                steps[event.number] = event
            case StageOutput() if stage is event.stage:
                said += [line.rstrip() for line in printable(event.line).split("\n")]
            case StageFinished() if stage is event.stage:
                going = False
            case RunFailed() if going:
                failure = event.error.what
    if stage is None or not going:
        return None
    return Build(
        stage=stage,
        steps=tuple(steps.values()),
        said=tuple(line for line in said if line.strip()),
        going=not failure,
        failure=failure,
    )


def output(events: Sequence[Event]) -> list[str]:
    """All that the builds of a run have said."""
    found = []
    for event in events:
        if isinstance(event, StageStep) and event.seconds is None:
            found.append(f"— {event.stage.value}: {printable(event.title)}")
        elif isinstance(event, StageOutput):
            found += printable(event.line).split("\n")
    return found


def lines(events: Sequence[Event], now: float, room: int) -> list[Line]:
    """Steps, then output, in so many lines; nothing when no build is under way or failed."""
    build = build_of(events)
    if build is None:
        return []
    count = min(len(build.steps), max(room // 2, 1))
    shown = max(room - count - 2, LEAST)
    return [
        *(_step(step, now, going=build.going) for step in build.steps[-count:]),
        *output_lines(around(build.said, build.failure, shown), build.failure),
    ]


def _step(step: StageStep, now: float, *, going: bool) -> Line:
    done = step.seconds is not None
    glyph, tone = ("✓", Tone.GOOD) if done else (("◐", Tone.BUSY) if going else ("✖", Tone.BAD))
    took = step.seconds if step.seconds is not None else max(now - step.at, 0.0)
    time = "made before" if step.cached else present.took(took) if done or going else "failed"
    size = present.size(step.size) if step.size else ""
    return (
        Cell(f"  {glyph} ", tone),
        Cell(f"{step.number:>2} "),
        Cell(f"{printable(step.title)[:44]:<44} "),
        Cell(f"{size:>8} {time:>11}", Tone.DIM if done else tone),
    )
