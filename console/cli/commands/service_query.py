"""`pilothouse service list`, `show` and `events`."""

from typing import TYPE_CHECKING, Any

import click

from console.cli.complete import complete_models
from console.cli.context import Session, asynchronous
from console.cli.options import Command
from console.cli.rollout import emit_service
from console.cli.service_options import service_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backends.services.records import Service, Transition


@click.command("list", cls=Command)
@click.option("-c", "--compute-type", default="", help="Only services of this computeType.")
@click.option("--model-name", default="", help="Only services that carry this model.")
@click.option(
    "--model-id", default="", shell_complete=complete_models, help="Only with this version."
)
@click.option("--tag", "tags", multiple=True, help="`key` or `key=value`; repeat for more.")
@click.option("--property", "properties", multiple=True, help="`key` or `key=value`.")
@click.option("--image-digest", default="", help="Only services of this image.")
@click.option("--no-refresh", is_flag=True, help="The last known states, without asking targets.")
@click.pass_obj
@asynchronous
async def list_services(
    session: Session,
    compute_type: str,
    model_name: str,
    model_id: str,
    tags: tuple[str, ...],
    properties: tuple[str, ...],
    image_digest: str,
    no_refresh: bool,
) -> None:
    """List services, asking every target for the present states."""
    from console.cli.service_shapes import full_service, service, service_cells

    kind = _compute_type(compute_type) if compute_type else ""
    async with session.live_workspace() as workspace:
        services = workspace.services
        every = services.list() if no_refresh else await services.refresh()
    found = [
        one
        for one in every
        if (not kind or one.compute_type == kind)
        and (not model_name or model_name in {model.name for model in one.spec.models})
        and (not model_id or model_id in {model.id for model in one.spec.models})
        and _has(one.spec.tags, tags)
        and _has(one.spec.properties, properties)
        and image_digest in (one.spec.image or "")
    ]
    shape = full_service if session.full else service
    session.out.emit([shape(one) for one in found], table=[service_cells(one) for one in found])


@click.command("show", cls=Command)
@service_name
@click.pass_obj
@asynchronous
async def show(session: Session, name: str) -> None:
    """Show one service, asking its target for the present state."""
    async with session.live_workspace() as workspace:
        service = await workspace.services.show(name)
        _say_trouble(session, service)
        emit_service(session, workspace, service)


@click.command("events", cls=Command)
@service_name
@click.option("-l", "--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@click.pass_obj
def events(session: Session, name: str, last: int | None) -> None:
    """Print what happened to a service, the oldest first, with how long each state held."""
    with session.workspace() as workspace:
        newest_first = workspace.services.timeline(name)
        if not newest_first:
            workspace.services.find(name)
    timed = _with_durations(newest_first)[-(last or 0) :]
    session.out.emit(timed, table=[_event_cells(one) for one in timed])


def _with_durations(newest_first: "Sequence[Transition]") -> list[dict[str, Any]]:
    """Oldest first, each with the seconds until the next; the last one still holds."""
    from console.cli.event_shapes import transition

    ordered = newest_first[::-1]
    ends = [one.at for one in ordered[1:]]
    return (
        [
            transition(one) | {"seconds": round(end - one.at, 3) if end is not None else None}
            for one, end in zip(ordered, [*ends, None], strict=True)
        ]
        if ordered
        else []
    )


def _event_cells(event: dict[str, Any]) -> dict[str, Any]:
    cells = {key: event[key] for key in ("time", "kind", "state", "revision", "seconds")}
    phase = event["phase"] if event["state"] == "Transitioning" else None
    reason = ": ".join(dict.fromkeys(filter(None, (phase, event["reason"]))))
    return cells | {"actor": event["actor"], "reason": reason}


def _say_trouble(session: Session, service: "Service") -> None:
    if not service.reachable:
        session.say(f"note: target {service.target} does not answer; this is the last known state")
    if service.evidence.traceback:
        session.say(service.evidence.traceback.rstrip())


def _has(labels: "Mapping[str, str]", wanted: tuple[str, ...]) -> bool:
    """All of `key` (exists) and `key=value` (equals) hold."""
    pairs = (text.partition("=") for text in wanted)
    return all(
        key in labels and (not equals or labels[key] == value) for key, equals, value in pairs
    )


def _compute_type(word: str) -> str:
    from backends.configs.fields import COMPUTE_TYPES, compute_type
    from backends.errors import InvalidInput

    kind = compute_type(word)
    if kind is None:
        raise InvalidInput(
            f"'{word}' is no computeType.", fix=f"One of: {', '.join(COMPUTE_TYPES)}."
        )
    return kind.value
