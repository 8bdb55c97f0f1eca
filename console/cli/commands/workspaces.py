"""`pilothouse workspace list`, `show`, `create` and `delete`."""

from typing import TYPE_CHECKING, Any

import click

from console.cli.context import Session
from console.cli.options import Command, accepted

if TYPE_CHECKING:
    from pathlib import Path

    from backends.workspace import Workspace


@click.command("list", cls=Command)
@click.pass_obj
def list_workspaces(session: Session) -> None:
    """List the workspaces of this machine."""
    from backends.workspace import workspace_names, workspaces_dir

    names = workspace_names()
    session.out.emit([_row(session, name, workspaces_dir() / name) for name in names])


@click.command("show", cls=Command)
@click.pass_obj
def show(session: Session) -> None:
    """Show the workspace that -w, the environment or the project names, and what is in it."""
    with session.workspace() as workspace:
        session.out.emit(_shape(session, workspace))


@click.command("create", cls=Command)
@accepted("-l", "--location", help="Accepted; it lies on this machine.")
@accepted("-f", "--friendly-name", help="Accepted; it is not kept.")
@accepted("--sku", help="Accepted; it means nothing here.")
@click.option("--exist-ok", is_flag=True, help="Succeed when it exists already.")
@accepted("-y", "--yes", is_flag=True, help="Accepted; nothing is ever asked.")
@click.pass_obj
def create(session: Session, exist_ok: bool) -> None:
    """Create the workspace that -w names."""
    from backends.errors import Conflict
    from backends.workspace import workspace_names

    name = _named(session)
    if name in workspace_names() and not exist_ok:
        raise Conflict(
            f"Workspace '{name}' exists already.", fix="Use it as it is, or add --exist-ok."
        )
    with session.workspace() as workspace:
        session.out.emit(_shape(session, workspace))


@click.command("delete", cls=Command)
@accepted("--all-resources", is_flag=True, help="Accepted; all of it goes anyway.")
@accepted("--no-wait", is_flag=True, help="Accepted; it is done at once.")
@accepted("-y", "--yes", is_flag=True, help="Accepted; nothing is ever asked.")
@click.pass_obj
def delete(session: Session) -> None:
    """Delete the workspace that -w names with its models; refused while it has services."""
    import shutil

    from backends.errors import NotFound, Refused
    from backends.workspace import workspace_names

    name = _named(session)
    if name not in workspace_names():
        known = ", ".join(workspace_names()) or "none"
        raise NotFound(f"There is no workspace '{name}' (there is: {known}).", fix="Check -w.")
    with session.workspace() as workspace:
        services = [service.name for service in workspace.services.list()]
        root = workspace.root
    if services:
        raise Refused(
            f"Workspace '{name}' has services: {', '.join(services)}.",
            fix="Delete each first: pilothouse service delete -n NAME.",
        )
    shutil.rmtree(root)
    session.out.emit({"name": name})


def _named(session: Session) -> str:
    if not session.workspace_name:
        raise click.UsageError("Name the workspace: -w NAME.")
    return session.workspace_name


def _row(session: Session, name: str, root: "Path") -> dict[str, Any]:
    return {"name": name, "resourceGroup": session.resource_group or None, "path": str(root)}


def _shape(session: Session, workspace: "Workspace") -> dict[str, Any]:
    counts = {
        "models": len({row.name for row in workspace.registry.rows(latest=True)}),
        "modelVersions": len(workspace.registry.rows()),
        "services": len(workspace.services.list()),
        "environments": len(workspace.environments.list()),
        "computeTargets": len(workspace.targets.list()),
    }
    return _row(session, workspace.name, workspace.root) | counts
