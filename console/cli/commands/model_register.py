"""`pilothouse model register`."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.context import Session
from console.cli.model_tables import sheet
from console.cli.options import PAIR, Command, merged
from console.cli.text import printable
from console.cli.values import read_json_object, resource_options, write_metadata

if TYPE_CHECKING:
    from backends.registry.records import Framework, ModelVersion


@click.command("register", cls=Command)
@click.option("-n", "--name", required=True, help="Name of the model.")
@click.option("-p", "--model-path", help="File or folder; a folder keeps its own name.")
@click.option("--asset-path", help="Path of the file inside the run, found below --path.")
@click.option(
    "--child-path",
    "child_paths",
    multiple=True,
    help="Store only this part of the folder; repeat for more.",
)
@resource_options
@click.option("-d", "--description", default="", help="What the model is.")
@click.option("--experiment-name", default="", help="Experiment that it came from.")
@click.option("-r", "--run-id", default="", help="Run that it came from.")
@click.option("-f", "--run-metadata-file", help="JSON file with run_id and _experiment_name.")
@click.option("--model-framework", help="Onnx, ScikitLearn, TensorFlow, PyTorch, Custom …")
@click.option("--model-framework-version", default="", help="Version of the framework.")
@click.option("--property", "properties", type=PAIR, multiple=True, help="Can never be changed.")
@click.option("--tag", "tags", type=PAIR, multiple=True, help="Can be changed.")
@click.option("--sample-input-dataset-id", default="", help="A request body, or a data set's id.")
@click.option("--sample-output-dataset-id", default="", help="Its answer, or a data set's id.")
@click.option("-t", "--output-metadata-file", help="Write the id to this file, for deploy -f.")
@click.pass_obj
def register(
    session: Session,
    name: str,
    model_path: str | None,
    asset_path: str | None,
    child_paths: tuple[str, ...],
    cpu_cores: float | None,
    memory_gb: float | None,
    gpu_cores: int | None,
    description: str,
    experiment_name: str,
    run_id: str,
    run_metadata_file: str | None,
    model_framework: str | None,
    model_framework_version: str,
    properties: tuple[tuple[str, str], ...],
    tags: tuple[tuple[str, str], ...],
    sample_input_dataset_id: str,
    sample_output_dataset_id: str,
    output_metadata_file: str | None,
) -> None:
    """Register a model: every call makes the next version of its name."""
    from backends.registry.records import Registration
    from backends.targets.records import Resources
    from console.cli.shapes import full_model, model

    if bool(model_path) == bool(asset_path):
        raise click.UsageError("Give one of -p/--model-path and --asset-path.")
    run = read_json_object(run_metadata_file, "run metadata file") if run_metadata_file else {}
    request = Registration(
        name=name,
        path=model_path or str(session.start / str(asset_path)),
        child_paths=child_paths,
        description=description,
        framework=_framework(model_framework),
        framework_version=model_framework_version,
        tags=merged(tags),
        properties=merged(properties),
        resources=Resources(cpu=cpu_cores, memory_gb=memory_gb, gpu=gpu_cores),
        sample_input=sample_input_dataset_id,
        sample_output=sample_output_dataset_id,
        experiment=experiment_name or str(run.get("_experiment_name") or ""),
        run_id=run_id or str(run.get("run_id") or ""),
    )
    with session.workspace() as workspace:
        version = workspace.registry.register(request, _counter(session, Path(request.path)))
        if output_metadata_file:
            write_metadata(output_metadata_file, session, workspace.name, version.id)
    _warn(session, version)
    session.out.emit(full_model(version) if session.full else model(version), table=sheet(version))


def _framework(word: str | None) -> "Framework | None":
    from backends.errors import InvalidInput
    from backends.registry.records import Framework

    if not word:
        return None
    for known in Framework:
        if known.value.lower() == word.lower():
            return known
    raise InvalidInput(
        f"'{word}' is no model framework.",
        fix=f"One of: {', '.join(known.value for known in Framework)}.",
    )


def _warn(session: Session, version: "ModelVersion") -> None:
    if version.schema_problem:
        session.say(f"note: {version.schema_problem}")
    loading = [file.path for file in version.files if file.executes_on_load]
    if loading:
        session.say(f"note: loading runs code inside {', '.join(loading)}; deploy only if trusted")


def _counter(session: Session, path: Path) -> Callable[[int, int], None] | None:
    """Bytes so far on one line of stderr, only where someone may be waiting for it."""
    if session.quiet or not sys.stderr.isatty():
        return None
    from console.present import size

    last, name = 0.0, printable(path.name)

    def count(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 0.1 or done == total:
            last = now
            line = f"\r{name}  {size(done)} of {size(total)}   "
            click.echo(line, nl=done == total, err=True)

    return count
