"""`pilothouse computetarget rbac`."""

import click

from console.cli.complete import complete_targets
from console.cli.context import Session
from console.cli.options import Command


@click.command("rbac", cls=Command)
@click.option("-n", "--name", shell_complete=complete_targets, help="The cluster as it is called.")
@click.option("--namespace", help="Namespace to deploy into; the target's own when left out.")
@click.pass_obj
def rbac(session: Session, name: str | None, namespace: str | None) -> None:
    """Print the least rights that Pilothouse needs on a cluster, as YAML to apply.

    Nothing is connected: it can be printed before the rights are there.
    """
    from msgspec.structs import replace

    from backends.targets.catalog import TargetRecord, open_driver

    with session.workspace() as workspace:
        target = (
            workspace.targets.get(name)
            if name
            else TargetRecord(name="cluster", kind="aks", workspace=workspace.name)
        )
    if namespace:
        target = replace(target, settings={**target.settings, "namespace": namespace})
    click.echo(open_driver(target).rights(), nl=False)
