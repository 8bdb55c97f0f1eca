"""Values that model commands share: ids, framework, resources, metadata files."""

import json
from pathlib import Path
from typing import Any

import click

from backends.errors import InvalidInput
from console.cli.complete import complete_models
from console.cli.context import Session


def model_id_options(command: Any) -> Any:
    """`-i/--model-id ID`, or the id as a word by itself."""
    option = click.option(
        "-i",
        "--model-id",
        "model_id",
        metavar="ID",
        shell_complete=complete_models,
        help="The version, as in name:version; also as a word by itself.",
    )
    word = click.argument("id", required=False, shell_complete=complete_models)
    return option(word(command))


def one_id(option: str | None, word: str | None) -> str:
    """The id given as option or word.

    Raises:
        click.UsageError: none is given, or two that differ.
    """
    if option and word and option != word:
        raise click.UsageError(f"Two models are named: '{option}' and '{word}'.")
    found = option or word
    if not found:
        raise click.UsageError("Name the model: -i NAME:VERSION.")
    return found


def resource_options(command: Any) -> Any:
    """`--cc`, `--gb`, `--gc`: what a service of the model asks for by default."""
    for words, name, kind, line in (
        (("--gc", "--gpu-cores"), "gpu_cores", int, "GPUs that a service of it asks for."),
        (("--gb", "--memory-gb"), "memory_gb", float, "Memory in GB that a service asks for."),
        (("--cc", "--cpu-cores"), "cpu_cores", float, "Cores that a service of it asks for."),
    ):
        low = click.IntRange(min=1) if kind is int else click.FloatRange(min=0, min_open=True)
        command = click.option(*words, name, type=low, help=line)(command)
    return command


def write_metadata(path: str, session: Session, workspace: str, model_id: str) -> None:
    """The file that `register -t` leaves for `deploy -f`."""
    from backends.paths import write_atomic

    content = {
        "modelId": model_id,
        "workspaceName": workspace,
        "resourceGroupName": session.resource_group,
    }
    write_atomic(Path(path), json.dumps(content, indent=2).encode() + b"\n")
    session.say(f"wrote {path}")


def read_json_object(path: str, what: str) -> dict[str, Any]:
    """A JSON file that must hold an object.

    Raises:
        InvalidInput: it cannot be read or holds something else.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as wrong:
        raise InvalidInput(
            f"{path} cannot be read as {what}: {wrong}", fix="Check the path and its content."
        ) from wrong
    if not isinstance(data, dict):
        raise InvalidInput(
            f"{path} is no {what}: it holds no JSON object.", fix="Check that it is the right file."
        )
    return data


def model_of_metadata(path: str, workspace: str) -> str:
    """The model id in a file that `register -t` wrote.

    Raises:
        InvalidInput: it names no model, or one of another workspace.
    """
    data = read_json_object(path, "model metadata file")
    model_id, home = data.get("modelId"), data.get("workspaceName")
    if not isinstance(model_id, str) or not model_id:
        raise InvalidInput(
            f"{path} names no modelId.", fix="Write it with `pilothouse model register -t FILE`."
        )
    if isinstance(home, str) and home and home != workspace:
        raise InvalidInput(
            f"{path} is for workspace '{home}', and this one is '{workspace}'.",
            fix=f"Add -w {home}, or register the model here.",
        )
    return model_id
