"""`pilothouse environment scaffold`, `register`, `list`, `show` and `download`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.context import Session
from console.cli.options import Command
from console.cli.parsed import checked

if TYPE_CHECKING:
    from collections.abc import Callable

    from backends.configs.records import Environment


def _metadata_option(command: Any) -> Any:
    option: Callable[[Any], Any] = click.option(
        "-t", "--output-metadata-file", help="Write name and version to this file; it must be new."
    )
    return option(command)


@click.command("scaffold", cls=Command)
@click.option("-n", "--name", required=True, help="Name of the environment.")
@click.option("-d", "--directory", required=True, help="Folder to write to.")
@_metadata_option
@click.pass_obj
def scaffold(session: Session, name: str, directory: str, output_metadata_file: str | None) -> None:
    """Write the files of a new environment, ready to be edited and registered."""
    from backends.configs.environment import write_environment_directory
    from backends.configs.records import CondaSpec, Environment

    _refuse_existing(directory, overwrite=False)
    conda = CondaSpec(
        channels=("conda-forge",), packages=("python=3.11",), pip=("azureml-defaults",)
    )
    made = Environment(name=name, conda=conda)
    write_environment_directory(made, Path(directory))
    _report(session, made, output_metadata_file, directory=directory)


@click.command("register", cls=Command)
@click.option("-d", "--directory", required=True, help="Folder with azureml_environment.json.")
@_metadata_option
@click.pass_obj
def register(session: Session, directory: str, output_metadata_file: str | None) -> None:
    """Register an environment; the same content keeps the version it has."""
    from backends.configs.environment import read_environment_directory

    found = checked(session, read_environment_directory(Path(directory)))
    with session.workspace() as workspace:
        registered = workspace.environments.register(found)
    _report(session, registered, output_metadata_file)


@click.command("list", cls=Command)
@_metadata_option
@click.pass_obj
def list_environments(session: Session, output_metadata_file: str | None) -> None:
    """List registered environments, the newest version of each name first."""
    from console.cli.shapes import environment as shape

    with session.workspace() as workspace:
        found = workspace.environments.list()
    if output_metadata_file:
        _write_metadata(session, output_metadata_file, [_identity(one) for one in found])
    table = [
        {
            "name": one.name,
            "version": one.version,
            "python": one.conda.python if one.conda else None,
            "packages": len((*one.conda.packages, *one.conda.pip)) if one.conda else 0,
        }
        for one in found
    ]
    session.out.emit([shape(one) for one in found], table=table)


@click.command("show", cls=Command)
@click.option("-n", "--name", required=True, help="Registered or curated environment.")
@click.option("-v", "--version", default="", help="Its version; else the newest.")
@_metadata_option
@click.pass_obj
def show(session: Session, name: str, version: str, output_metadata_file: str | None) -> None:
    """Show a registered or curated environment."""
    _report(session, _find(session, name, version), output_metadata_file)


@click.command("download", cls=Command)
@click.option("-n", "--name", required=True, help="Registered or curated environment.")
@click.option("-v", "--version", default="", help="Its version; else the newest.")
@click.option("-d", "--directory", required=True, help="Folder to write to.")
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
@_metadata_option
@click.pass_obj
def download(
    session: Session,
    name: str,
    version: str,
    directory: str,
    overwrite: bool,
    output_metadata_file: str | None,
) -> None:
    """Write an environment's files to a folder."""
    from backends.configs.environment import write_environment_directory

    found = _find(session, name, version)
    _refuse_existing(directory, overwrite=overwrite)
    write_environment_directory(found, Path(directory))
    _report(session, found, output_metadata_file, directory=directory)


def _find(session: Session, name: str, version: str) -> "Environment":
    """A registered environment, else the curated one of that name."""
    from backends.configs.curated import curated

    with session.workspace() as workspace:
        known = workspace.environments.find(name, version) or curated(name)
        return known or workspace.environments.get(name, version)


def _report(
    session: Session, found: "Environment", metadata: str | None, *, directory: str = ""
) -> None:
    from console.cli.shapes import environment as shape

    if metadata:
        _write_metadata(session, metadata, _identity(found))
    if directory:
        session.say(f"wrote {directory}")
    session.out.emit(shape(found))


def _identity(found: "Environment") -> dict[str, str | None]:
    return {"name": found.name, "version": found.version or None}


def _write_metadata(session: Session, path: str, content: object) -> None:
    from backends.errors import Conflict
    from backends.paths import write_atomic

    if Path(path).exists():
        raise Conflict(f"{path} exists already.", fix="Name a new file.")
    write_atomic(Path(path), json.dumps(content, indent=2).encode() + b"\n")
    session.say(f"wrote {path}")


def _refuse_existing(directory: str, *, overwrite: bool) -> None:
    from backends.errors import Conflict

    if not overwrite and (Path(directory) / "azureml_environment.json").exists():
        raise Conflict(
            f"{directory} holds an environment already.", fix="Choose another folder with -d."
        )
