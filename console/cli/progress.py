"""What a rollout does, as it does it: lines on stderr for people, or a JSON object a line."""

import json
import sys
from typing import Any

import click

from backends.services.records import (
    Event,
    Finished,
    RunFailed,
    StageFinished,
    StageOutput,
    StageStarted,
    StageStep,
    StateChanged,
)
from backends.targets.records import ServiceState
from console.cli.colour import paint
from console.cli.text import one_line, printable
from console.cli.times import iso

_STATE_COLOURS = {
    ServiceState.HEALTHY: "green",
    ServiceState.FAILED: "red",
    ServiceState.UNSCHEDULABLE: "red",
    ServiceState.UNHEALTHY: "yellow",
}


def human_lines(event: Event) -> list[str]:
    """The lines that a person reads for an event; the last event has its own place."""
    match event:
        case StageStarted(usual_seconds=usual):
            hint = f"  (usually {usual:.1f} s)" if usual is not None and usual >= 1 else ""
            return [f"◐ {event.stage.value:<12}{one_line(event.detail)}{hint}"]
        case StageOutput():
            return [f"  {'':<12}{line}" for line in printable(event.line).splitlines()]
        case StageStep():
            return [f"  {'':<12}{one_line(_step(event))}"]
        case StageFinished():
            done = paint("✓", "green", sys.stderr)
            return [
                f"{done} {event.stage.value:<12}{one_line(event.detail)}  {event.seconds:.1f} s"
            ]
        case StateChanged(transition=change):
            state = paint(change.state.value, _STATE_COLOURS.get(change.state, ""), sys.stderr)
            why = one_line(
                (change.state is ServiceState.TRANSITIONING and change.phase) or change.reason
            )
            return [f"  {'':<12}{': '.join(filter(None, (state, why)))}"]
    return []


def event_record(event: Event) -> dict[str, Any]:
    """An event as the JSON object that `--progress json` writes."""
    match event:
        case StageStarted():
            return {
                "event": "stageStarted",
                "stage": event.stage.value,
                "detail": event.detail,
                "time": iso(event.at),
                "usualSeconds": event.usual_seconds,
            }
        case StageOutput():
            return {"event": "stageOutput", "stage": event.stage.value, "line": event.line}
        case StageStep():
            return {
                "event": "stageStep",
                "stage": event.stage.value,
                "number": event.number,
                "title": event.title,
                "seconds": None if event.seconds is None else round(event.seconds, 3),
                "bytes": event.size,
                "cached": event.cached,
            }
        case StageFinished():
            return {
                "event": "stageFinished",
                "stage": event.stage.value,
                "detail": event.detail,
                "seconds": round(event.seconds, 3),
            }
        case StateChanged(transition=change):
            from console.cli.event_shapes import transition

            return {"event": "stateChanged"} | transition(change)
        case Finished(service=service):
            return {"event": "finished", "name": service.name, "state": service.state.value}
        case RunFailed(error=error):
            return {
                "event": "failed",
                "stage": event.stage.value,
                "what": error.what,
                "fix": error.fix,
            }


def _step(step: StageStep) -> str:
    head = f"step {step.number}: {step.title}"
    if step.seconds is None:
        return head
    if step.cached:
        return f"{head}: made before"
    size = f", {step.size / 1e6:.1f} MB" if step.size else ""
    return f"{head}: {step.seconds:.1f} s{size}"


def show(event: Event, *, form: str) -> None:
    """Write an event to stderr: form is human, json or none."""
    if form == "json":
        click.echo(json.dumps(event_record(event)), err=True)
    elif form == "human":
        for line in human_lines(event):
            click.echo(line, err=True, color=True)
