"""`pilothouse folder attach`."""

import click

from console.cli.context import Session
from console.cli.options import Command, accepted


@click.command("attach", cls=Command)
@accepted("-e", "--experiment-name", help="Accepted; experiments are not run here.")
@click.pass_obj
def attach(session: Session) -> None:
    """Write .azureml/config.json, so that commands below this folder need no -w."""
    from backends.configs.workspace_file import write_workspace_file
    from backends.workspace import check_name

    if not session.workspace_name:
        raise click.UsageError("Name the workspace: -w NAME.")
    name = check_name(session.workspace_name)
    path = write_workspace_file(session.start, name=name, resource_group=session.resource_group)
    session.out.emit(
        {"workspaceName": name, "resourceGroup": session.resource_group, "path": str(path)}
    )
