"""`pilothouse model deploy`."""

from typing import TYPE_CHECKING, Any

import click

from console.cli.complete import complete_models, complete_targets
from console.cli.config_options import coded, config_options, deployment_config, inference_config
from console.cli.context import Session, asynchronous
from console.cli.options import PAIR, Command, merged
from console.cli.rollout import carry_out, rollout_options
from console.cli.values import model_of_metadata, read_json_object

if TYPE_CHECKING:
    from backends.services.targets import Targets


@click.command("deploy", cls=Command)
@click.option("-n", "--name", default="", help="Name of the service; else made from the model's.")
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    shell_complete=complete_models,
    help="name:version, name (its newest), or a path; repeat for more.",
)
@click.option(
    "-f",
    "--model-metadata-file",
    "metadata_files",
    multiple=True,
    help="File that `register -t` wrote; repeat for more.",
)
@coded("--ic", "--inference-config-file", "inference_file", metavar="PATH", help="YAML or JSON.")
@coded("--dc", "--deploy-config-file", "deployment_file", metavar="PATH", help="YAML or JSON.")
@coded(
    "--ct",
    "--compute-target",
    "target",
    default="",
    metavar="NAME",
    shell_complete=complete_targets,
    help="An attached target; else what computeType means.",
)
@coded(
    "--pi",
    "--profile-input",
    "profile_input",
    metavar="PATH",
    help="Profile file: cpu and memory of it.",
)
@click.option("--description", default="", help="What the service is.")
@click.option("--tag", "tags", type=PAIR, multiple=True, help="Can be changed.")
@click.option("--property", "properties", type=PAIR, multiple=True, help="Can never be changed.")
@click.option("--overwrite", is_flag=True, help="Replace a service of that name.")
@rollout_options
@config_options
@click.pass_obj
@asynchronous
async def deploy(
    session: Session,
    name: str,
    models: tuple[str, ...],
    metadata_files: tuple[str, ...],
    inference_file: str | None,
    deployment_file: str | None,
    target: str,
    profile_input: str | None,
    description: str,
    tags: tuple[tuple[str, str], ...],
    properties: tuple[tuple[str, str], ...],
    overwrite: bool,
    no_wait: bool,
    timeout: float | None,
    dry_run: bool,
    progress: str,
    **config: Any,
) -> None:
    """Deploy models as a web service and wait until it is Healthy.

    Without --dc it becomes a process on this machine. Flags below stand for keys of the config
    files and win over them.
    """
    from backends.services.records import DeployRequest

    if profile_input:
        config = _profiled(profile_input, config)
    async with session.live_workspace() as workspace:
        listed = [model_of_metadata(path, workspace.name) for path in metadata_files]
        request = DeployRequest(
            name=name,
            models=(*models, *listed),
            inference=inference_config(session, inference_file, config),
            deployment=deployment_config(
                session, deployment_file, config, compute_type=_kind(workspace.targets, target)
            ),
            inference_file=inference_file or "",
            deployment_file=deployment_file or "",
            target=target,
            overwrite=overwrite,
            tags=merged(tags),
            properties=merged(properties),
            description=description,
        )
        plan = await workspace.services.plan(request)
        await carry_out(
            session,
            workspace,
            plan,
            no_wait=no_wait,
            timeout=timeout,
            dry_run=dry_run,
            progress=progress,
        )


def _kind(targets: "Targets", target: str) -> str:
    """The computeType of a named target; empty when none is named."""
    return targets.get(target).kind if target else ""


def _profiled(path: str, config: dict[str, Any]) -> dict[str, Any]:
    """Cores and memory of a profile file, where no flag says otherwise."""
    profile = read_json_object(path, "profile file")
    found = {"config_cpu_cores": profile.get("cpu"), "config_memory_gb": profile.get("memoryInGB")}
    return config | {key: value for key, value in found.items() if config.get(key) is None}
