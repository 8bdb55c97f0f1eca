"""`pilothouse service get-keys` and `regen-key`."""

import click

from console.cli.context import Session, asynchronous
from console.cli.options import Command
from console.cli.service_options import service_name


@click.command("get-keys", cls=Command)
@service_name
@click.pass_obj
@asynchronous
async def get_keys(session: Session, name: str) -> None:
    """Print both keys of a service; either opens it."""
    from console.cli.service_shapes import keys

    async with session.live_workspace() as workspace:
        found = await workspace.services.keys(name)
    session.out.emit(keys(found))


@click.command("regen-key", cls=Command)
@service_name
@click.option("-k", "--key", required=True, help="Primary or Secondary.")
@click.option("-s", "--set-key", help="Its new value; else a random one.")
@click.pass_obj
@asynchronous
async def regen_key(session: Session, name: str, key: str, set_key: str | None) -> None:
    """Replace one key; requests already admitted go on."""
    from console.cli.service_shapes import keys

    async with session.live_workspace() as workspace:
        found = await workspace.services.regenerate_key(name, key, set_key)
    session.out.emit(keys(found))
