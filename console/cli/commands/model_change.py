"""`pilothouse model update` and `pilothouse model delete`."""

from typing import Any

import click

from console.cli.context import Session
from console.cli.model_tables import sheet
from console.cli.options import PAIR, Command, accepted, merged
from console.cli.values import model_id_options, one_id, resource_options


@click.command("update", cls=Command)
@model_id_options
@click.option("--add-tag", "add_tags", type=PAIR, multiple=True, help="Set a tag.")
@click.option("--remove-tag", "remove_tags", multiple=True, help="Take a tag away, by its key.")
@click.option("--add-property", "add_properties", type=PAIR, multiple=True, help="Add a new one.")
@click.option("--description", help="Replace the description.")
@resource_options
@click.option("--sample-input-dataset-id", help="A request body, or a data set's id.")
@click.option("--sample-output-dataset-id", help="Its answer, or a data set's id.")
@click.pass_obj
def update(
    session: Session,
    id: str | None,
    model_id: str | None,
    add_tags: tuple[tuple[str, str], ...],
    remove_tags: tuple[str, ...],
    add_properties: tuple[tuple[str, str], ...],
    description: str | None,
    cpu_cores: float | None,
    memory_gb: float | None,
    gpu_cores: int | None,
    sample_input_dataset_id: str | None,
    sample_output_dataset_id: str | None,
) -> None:
    """Change what may change of a version: tags, new properties, description, resources."""
    from msgspec.structs import replace

    from console.cli.shapes import full_model, model

    said = {"cpu": cpu_cores, "memory_gb": memory_gb, "gpu": gpu_cores}
    asked: dict[str, Any] = {key: amount for key, amount in said.items() if amount is not None}
    with session.workspace() as workspace:
        registry = workspace.registry
        found = registry.resolve(one_id(model_id, id))
        changed = registry.update(
            found.id,
            add_tags=merged(add_tags),
            remove_tags=remove_tags,
            add_properties=merged(add_properties),
            description=description,
            resources=replace(found.resources, **asked) if asked else None,
            sample_input=sample_input_dataset_id,
            sample_output=sample_output_dataset_id,
        )
    session.out.emit(full_model(changed) if session.full else model(changed), table=sheet(changed))


@click.command("delete", cls=Command)
@model_id_options
@accepted("-y", "--yes", is_flag=True, help="Accepted; nothing is ever asked.")
@click.pass_obj
def delete(session: Session, id: str | None, model_id: str | None) -> None:
    """Delete a version; refused while a service uses it. Its number is never used again."""
    from backends.errors import InvalidInput

    reference = one_id(model_id, id)
    if ":" not in reference:
        raise InvalidInput(
            f"'{reference}' names no version, and only one version is deleted at a time.",
            fix=f"Write {reference}:VERSION; `pilothouse model list -n {reference}` has them.",
        )
    with session.workspace() as workspace:
        found = workspace.registry.resolve(reference)
        workspace.registry.delete(found.id)
    session.out.emit({"id": found.id})
