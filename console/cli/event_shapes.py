"""What happens to services, as dicts: transitions and their evidence, log lines, plans."""

from typing import Any

from backends.services.records import Plan, Transition
from backends.targets.records import Evidence, LogLine
from console.cli.times import clock, iso


def evidence(found: Evidence) -> dict[str, Any]:
    """Why a state is what it is; empty parts are left out."""
    parts = {
        "stage": found.stage,
        "exitCode": found.exit_code,
        "outOfMemory": found.out_of_memory,
        "traceback": found.traceback,
        "lastLines": list(found.last_lines),
        "modelTree": list(found.model_tree),
        "event": found.event,
    }
    return {key: part for key, part in parts.items() if part not in ("", [], None, False)}


def transition(change: Transition) -> dict[str, Any]:
    """A line of `service events`."""
    return {
        "time": iso(change.at),
        "kind": change.kind,
        "state": change.state.value,
        "reason": change.reason,
        "revision": change.revision,
        "phase": change.phase or None,
        "actor": change.actor or None,
        "evidence": evidence(change.evidence),
    }


def log_line(line: LogLine) -> dict[str, Any]:
    """A line of `service get-logs -o json`."""
    return {
        "time": clock(line.time),
        "replica": line.replica,
        "sequence": line.sequence,
        "stream": line.stream.value,
        "level": line.level,
        "requestId": line.request_id or None,
        "durationMs": line.duration_ms,
        "text": line.text,
    }


def plan(made: Plan) -> dict[str, Any]:
    """The result of `--dry-run`."""
    spec = made.spec
    return {
        "name": spec.name,
        "kind": made.kind,
        "target": spec.target,
        "revision": spec.revision,
        "models": [model.id for model in spec.models],
        "steps": [
            {
                "stage": step.stage.value,
                "action": step.action,
                "detail": step.detail,
                "usualSeconds": step.usual_seconds,
            }
            for step in made.steps
        ],
        "changes": [
            {"field": change.field, "before": change.before, "after": change.after}
            for change in made.changes
        ],
        "preflight": [
            {
                "name": check.name,
                "ok": check.ok,
                "detail": check.detail,
                "fix": check.fix,
                "blocking": check.blocking,
            }
            for check in made.preflight
        ],
        "notes": list(made.notes),
        "command": made.command,
    }
