"""`pilothouse service update` and `pilothouse service rollback`."""

from typing import TYPE_CHECKING, Any

import click

from console.cli.complete import complete_models
from console.cli.config_options import coded, config_options, deployment_config, inference_config
from console.cli.context import Session, asynchronous
from console.cli.options import PAIR, Command, merged
from console.cli.rollout import carry_out, rollout_options
from console.cli.service_options import service_name
from console.cli.values import model_of_metadata

if TYPE_CHECKING:
    from backends.services.records import Revision
    from backends.workspace import Workspace


@click.command("update", cls=Command)
@service_name
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    shell_complete=complete_models,
    help="name:version, name (its newest), or a path; replaces all models of the service.",
)
@click.option(
    "-f", "--model-metadata-file", "metadata_files", multiple=True, help="Of `register -t`."
)
@coded("--ic", "--inference-config-file", "inference_file", metavar="PATH", help="YAML or JSON.")
@coded("--dc", "--deploy-config-file", "deployment_file", metavar="PATH", help="YAML or JSON.")
@click.option("--add-tag", "--tag", "add_tags", type=PAIR, multiple=True, help="Set a tag.")
@click.option("--remove-tag", "remove_tags", multiple=True, help="Take a tag away, by its key.")
@click.option(
    "--add-property",
    "--property",
    "add_properties",
    type=PAIR,
    multiple=True,
    help="Add a new one.",
)
@click.option("-d", "--description", default="", help="Replace the description.")
@rollout_options
@config_options
@click.pass_obj
@asynchronous
async def update(
    session: Session,
    name: str,
    models: tuple[str, ...],
    metadata_files: tuple[str, ...],
    inference_file: str | None,
    deployment_file: str | None,
    add_tags: tuple[tuple[str, str], ...],
    remove_tags: tuple[str, ...],
    add_properties: tuple[tuple[str, str], ...],
    description: str,
    no_wait: bool,
    timeout: float | None,
    dry_run: bool,
    progress: str,
    **config: Any,
) -> None:
    """Change what is named and keep the rest; the old revision serves until the new one does."""
    from backends.services.records import DeployRequest

    async with session.live_workspace() as workspace:
        running = _running(workspace, name)
        listed = [model_of_metadata(path, workspace.name) for path in metadata_files]
        request = DeployRequest(
            name=name,
            models=(*models, *listed),
            inference=inference_config(
                session, inference_file, config, running=running.inference if running else None
            ),
            deployment=deployment_config(
                session, deployment_file, config, running=running.deployment if running else None
            ),
            inference_file=inference_file or "",
            deployment_file=deployment_file or "",
            tags=merged(add_tags),
            remove_tags=remove_tags,
            properties=merged(add_properties),
            description=description,
        )
        plan = await workspace.services.plan_update(name, request)
        await carry_out(
            session,
            workspace,
            plan,
            no_wait=no_wait,
            timeout=timeout,
            dry_run=dry_run,
            progress=progress,
        )


def _running(workspace: "Workspace", name: str) -> "Revision | None":
    """The revision that flags are laid over."""
    number = workspace.services.find(name).spec.revision
    return next((r for r in workspace.services.revisions(name) if r.number == number), None)


@click.command("rollback", cls=Command)
@service_name
@click.option(
    "--revision",
    type=click.IntRange(min=1),
    help="The revision to bring back; else the one before the present.",
)
@rollout_options
@click.pass_obj
@asynchronous
async def rollback(
    session: Session,
    name: str,
    revision: int | None,
    no_wait: bool,
    timeout: float | None,
    dry_run: bool,
    progress: str,
) -> None:
    """Apply an earlier revision again, as a new one."""
    async with session.live_workspace() as workspace:
        plan = await workspace.services.plan_rollback(name, revision)
        await carry_out(
            session,
            workspace,
            plan,
            no_wait=no_wait,
            timeout=timeout,
            dry_run=dry_run,
            progress=progress,
        )
