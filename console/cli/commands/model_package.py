"""`pilothouse model package`."""

from pathlib import Path
from typing import Any

import click

from console.cli.commands.images import engine_option
from console.cli.complete import complete_models
from console.cli.config_options import coded, inference_config, inference_options
from console.cli.context import Session, asynchronous
from console.cli.options import Command
from console.cli.values import model_of_metadata


@click.command("package", cls=Command)
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
@coded("--in", "--image-name", "image_name", default="", help="Name of the image.")
@coded("--il", "--image-label", "image_label", default="", help="Its tag; else the time.")
@click.option("--output-path", help="Write the Dockerfile with its context here; builds nothing.")
@click.option("--no-wait", is_flag=True, help="Accepted; the engine is waited for all the same.")
@engine_option
@inference_options
@click.pass_obj
@asynchronous
async def package(
    session: Session,
    models: tuple[str, ...],
    metadata_files: tuple[str, ...],
    inference_file: str | None,
    image_name: str,
    image_label: str,
    output_path: str | None,
    no_wait: bool,
    target: str,
    **config: Any,
) -> None:
    """Put models and their code into an image, or write the Dockerfile that makes it.

    The image answers on port 5001: docker run -p 6789:5001 IMAGE.
    """
    from backends.services.packaging import PackageRequest

    async with session.live_workspace() as workspace:
        listed = [model_of_metadata(path, workspace.name) for path in metadata_files]
        plan = workspace.packages.plan(
            PackageRequest(
                models=(*models, *listed),
                inference=inference_config(session, inference_file, config),
                inference_file=inference_file or "",
                image_name=image_name,
                image_label=image_label,
            )
        )
        for note in plan.environment.notes:
            session.say(f"note: {note}")
        if output_path:
            location = str(workspace.packages.write(plan, Path(output_path)))
        else:
            delivery = await workspace.packages.delivery(target)
            location = await _built(session, workspace.packages.build(plan, delivery))
    written = bool(output_path)
    session.out.emit(
        {"generateDockerfile": written, "state": "Succeeded", "location": location},
        table={"location": location, "run": _run(plan.location, written, location)},
    )


async def _built(session: Session, items: Any) -> str:
    from contextlib import aclosing

    location = ""
    async with aclosing(items):
        async for item in items:
            if isinstance(item, str):
                session.say(item)
            else:
                location = item.reference
    return location


def _run(image: str, written: bool, folder: str) -> str:
    run = f"docker run -p 6789:5001 {image}"
    return f"docker build -t {image} {folder} && {run}" if written else run
