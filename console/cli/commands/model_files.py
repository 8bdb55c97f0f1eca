"""`pilothouse model download` and `pilothouse model verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.complete import complete_models
from console.cli.context import Session
from console.cli.options import Command
from console.cli.values import model_id_options, one_id

if TYPE_CHECKING:
    from backends.registry.records import VerifyReport


@click.command("download", cls=Command)
@model_id_options
@click.option("-t", "--target-dir", default=".", show_default="here", help="Folder to write to.")
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
@click.pass_obj
def download(
    session: Session, id: str | None, model_id: str | None, target_dir: str, overwrite: bool
) -> None:
    """Write a version's files to a folder, exactly as they were registered."""
    with session.workspace() as workspace:
        found = workspace.registry.resolve(one_id(model_id, id))
        path = workspace.registry.download(found.id, Path(target_dir), overwrite=overwrite)
    session.out.emit({"id": found.id, "path": str(path)})


@click.command("verify", cls=Command)
@click.argument("id", required=False, shell_complete=complete_models)
@click.option("-i", "--model-id", metavar="ID", help="Only this version; else all of them.")
@click.pass_obj
def verify(session: Session, id: str | None, model_id: str | None) -> None:
    """Hash the stored files again and compare; exit 1 when one is not what was stored."""
    from backends.errors import IntegrityError

    reference = model_id or id
    with session.workspace() as workspace:
        chosen = workspace.registry.resolve(reference).id if reference else None
        report = workspace.registry.verify(chosen)
    session.out.emit(_shape(report), table=_shape(report)["damaged"] or _sheet(report))
    if not report.ok:
        raise IntegrityError(
            f"{len(report.damaged)} stored files are not what was registered.",
            fix="Register those versions anew from their source, then delete the damaged ones.",
        )


def _shape(report: "VerifyReport") -> dict[str, Any]:
    return {
        "versions": report.versions,
        "files": report.files,
        "size": report.size,
        "damaged": [
            {"id": one.id, "path": one.path, "sha256": one.sha256, "problem": one.problem}
            for one in report.damaged
        ],
    }


def _sheet(report: "VerifyReport") -> dict[str, str]:
    from console.present import size

    return {
        "versions": str(report.versions),
        "files": f"{report.files} ({size(report.size)})",
        "result": "every byte is what was registered",
    }
