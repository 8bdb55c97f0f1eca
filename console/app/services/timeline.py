"""The timeline of a service: what was done to it, and the stages and states that followed. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median

from msgspec import Struct

from backends.services.records import (
    Event,
    Stage,
    StageFinished,
    StageOutput,
    StageStarted,
    StageTiming,
    Transition,
)
from backends.targets.records import ServiceState
from console import present
from console.app.widgets.rows import Column, Row
from console.present import STATES, Cell, Tone

COLUMNS = (
    Column(title="TIME", width=8),
    Column(title="WHAT", width=17),
    Column(title="DETAIL", width=20, weight=1),
    Column(title="TOOK", width=8, right=True, rank=1),
    Column(title="USUALLY", width=8, right=True, rank=2),
)
BAR = 12
"""Cells of a progress bar."""


class Step(Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    at: float
    """Seconds since the epoch."""
    what: Cell
    detail: str
    head: bool = False
    """Something that was done; the steps after it followed from it."""
    seconds: float | None = None
    usual: float | None = None
    running: bool = False


class Live(Struct, frozen=True, kw_only=True):
    """The stage that is under way."""

    stage: Stage
    started: float
    usual: float | None
    detail: str


def live_stage(events: Sequence[Event]) -> Live | None:
    """The stage that the last of these events belong to; None when none is under way."""
    found: Live | None = None
    for event in events:
        match event:
            case StageStarted():
                found = Live(
                    stage=event.stage,
                    started=event.at,
                    usual=event.usual_seconds,
                    detail=event.detail,
                )
            case StageOutput() if found and event.line.strip():
                found = Live(
                    stage=found.stage,
                    started=found.started,
                    usual=found.usual,
                    detail=event.line.strip(),
                )
            case StageFinished():
                found = None
    return found


def steps(
    transitions: Sequence[Transition], stages: Sequence[StageTiming], live: Live | None, now: float
) -> list[Step]:
    """Everything that happened: newest action first, what followed from it beneath, in order."""
    found = [_of_transition(transition) for transition in transitions]
    found += [_of_stage(stage, stages) for stage in stages]
    if live:
        found.append(_of_live(live, now))
    found.sort(key=lambda step: (step.at, not step.head))
    groups: list[list[Step]] = []
    for step in found:
        if step.head or not groups:
            groups.append([])
        if not groups[-1] or not _same(groups[-1][-1], step):
            groups[-1].append(step)
    return [step for group in reversed(groups) for step in group]


def rows(found: Sequence[Step], now: float) -> list[Row]:
    """The steps as the table shows them."""
    return [_row(step, branch, now) for step, branch in _branches(found)]


def moment(row_id: str) -> float:
    """When the step of a row was."""
    return float(row_id.partition(" ")[0])


def _same(one: Step, other: Step) -> bool:
    """Two observers may have stored the same change."""
    return (one.what, one.detail, one.seconds) == (other.what, other.detail, other.seconds)


def _branches(found: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    for place, step in enumerate(found):
        last = place + 1 == len(found) or found[place + 1].head
        yield step, "" if step.head else ("└ " if last else "├ ")


def _row(step: Step, branch: str, now: float) -> Row:
    took = present.took(step.seconds) if step.seconds is not None else ""
    detail = step.detail
    if step.running and step.usual and step.seconds is not None:
        detail = f"{_bar(step.seconds / step.usual)} {detail}"
    cells = (
        Cell(_when(step.at, now), Tone.DIM),
        Cell(f"{branch}{step.what.text}", step.what.tone),
        Cell(detail, Tone.PLAIN if step.head else Tone.DIM),
        Cell(took, Tone.BUSY if step.running else Tone.PLAIN),
        Cell(present.took(step.usual) if step.usual else "", Tone.DIM),
    )
    return Row(f"{step.at!r} {step.what.text}", cells)


def _of_transition(transition: Transition) -> Step:
    glyph, tone = STATES[transition.state]
    if transition.kind == "state":
        coming = transition.state is ServiceState.TRANSITIONING and transition.phase
        word = transition.phase if coming else transition.state.value
        return Step(
            at=transition.at,
            what=Cell(f"{glyph} {word}", tone),
            detail="" if transition.reason == word else transition.reason,
        )
    revision = f" r{transition.revision}" if transition.revision else ""
    by = f"   by {transition.actor}" if transition.actor else ""
    return Step(
        at=transition.at,
        what=Cell(f"{transition.kind}{revision}", Tone.STRONG),
        detail=f"{transition.reason.removeprefix(f'r{transition.revision}: ')}{by}",
        head=True,
    )


def _of_stage(stage: StageTiming, others: Sequence[StageTiming]) -> Step:
    earlier = [o.seconds for o in others if o.stage is stage.stage and o.started < stage.started]
    return Step(
        at=stage.started,
        what=Cell(stage.stage.value),
        detail=stage.detail,
        seconds=stage.seconds,
        usual=median(earlier) if earlier else None,
    )


def _of_live(live: Live, now: float) -> Step:
    return Step(
        at=live.started,
        what=Cell(live.stage.value, Tone.BUSY),
        detail=live.detail,
        seconds=max(now - live.started, 0.0),
        usual=live.usual,
        running=True,
    )


def _bar(part: float) -> str:
    full = min(round(part * BAR), BAR)
    return f"▕{'█' * full}{'░' * (BAR - full)}▏"


def _when(moment: float, now: float) -> str:
    if now - moment < 20 * 3600:
        return present.clock_time(moment)
    return datetime.fromtimestamp(moment).astimezone().strftime("%d %b")
