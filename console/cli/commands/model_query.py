"""`pilothouse model list` and `pilothouse model show`."""

from typing import TYPE_CHECKING

import click

from console.cli.complete import complete_models
from console.cli.context import Session
from console.cli.model_tables import cells, compared, sheet
from console.cli.options import Command, accepted
from console.cli.values import model_id_options

if TYPE_CHECKING:
    from backends.registry.records import ModelVersion
    from backends.registry.registry import Registry

UNFILTERED = 1_000_000
"""More versions than one page of a search gives; the registry is asked for one page."""


@click.command("list", cls=Command)
@click.option("-n", "--model-name", default="", help="Only versions of this model.")
@click.option("-l", "--latest", is_flag=True, help="Only the newest version of each model.")
@click.option("--tag", "tags", multiple=True, help="`key` or `key=value`; repeat for more.")
@click.option("--property", "properties", multiple=True, help="`key` or `key=value`.")
@click.option("--run-id", default="", help="Only models of this run.")
@accepted("--dataset-id", help="Accepted; data sets are not kept here.")
@click.option(
    "--filter",
    "filter_text",
    help="Terms of the console's filter, as in 'area=mnist size:>10MB !stage=old'.",
)
@click.pass_obj
def list_models(
    session: Session,
    model_name: str,
    latest: bool,
    tags: tuple[str, ...],
    properties: tuple[str, ...],
    run_id: str,
    filter_text: str | None,
) -> None:
    """List registered models, the newest first."""
    from console.cli.shapes import full_model_row, model_row

    with session.workspace() as workspace:
        rows = workspace.registry.rows(
            name=model_name, tags=tags, properties=properties, run_id=run_id, latest=latest
        )
        if filter_text is not None:
            found = _search(session, workspace.registry, filter_text, latest=latest)
            rows = tuple(row for row in rows if row.id in found)
    shape = full_model_row if session.full else model_row
    session.out.emit([shape(row) for row in rows], table=[cells(row) for row in rows])


@click.command("show", cls=Command)
@model_id_options
@click.option("-n", "--model-name", help="Name of the model; its newest version is shown.")
@click.option("--version", type=click.IntRange(min=1), help="A version of that name.")
@click.option("--run-id", default="", help="The newest version that came from this run.")
@click.option(
    "--compare-to",
    metavar="ID",
    shell_complete=complete_models,
    help="Add the difference from this version.",
)
@click.pass_obj
def show(
    session: Session,
    id: str | None,
    model_id: str | None,
    model_name: str | None,
    version: int | None,
    run_id: str,
    compare_to: str | None,
) -> None:
    """Show one version of a model."""
    from console.cli.shapes import difference, full_model, model

    if id and (model_id or model_name):
        raise click.UsageError(
            f"'{id}' is one id too many beside -i or -n; a version is --version NUMBER."
        )
    with session.workspace() as workspace:
        registry = workspace.registry
        found = _find(registry, model_id or id, model_name, version, run_id)
        shape = (full_model if session.full else model)(found)
        if compare_to:
            older = registry.resolve(compare_to)
            shape["difference"] = difference(registry.diff(older.id, found.id))
        used = registry.used_by(found.id)
    session.out.emit(shape, table=sheet(found, used) | compared(shape))


def _find(
    registry: "Registry", reference: str | None, name: str | None, version: int | None, run_id: str
) -> "ModelVersion":
    """By id, else by name and version, else the newest of a name or a run."""
    from backends.errors import NotFound

    if reference:
        return registry.resolve(reference)
    if name and (version or not run_id):
        return registry.get(name, version)
    if not (name or run_id):
        raise click.UsageError("Name the model: -i NAME:VERSION, or -n NAME.")
    rows = registry.rows(name=name or "", run_id=run_id)
    if not rows:
        raise NotFound(
            f"No model came from run '{run_id}'.",
            fix="`pilothouse model list` shows what there is.",
        )
    return registry.resolve(rows[0].id)


def _search(session: Session, registry: "Registry", text: str, *, latest: bool) -> set[str]:
    """Ids that a filter lets through; its wrong terms are named and left out."""
    from backends.filters import parse

    parsed = parse(text)
    for problem in parsed.problems:
        session.say(f"filter: {problem.message}")
    return {row.id for row in registry.search(parsed, latest=latest, offset=0, limit=UNFILTERED)}
