"""`pilothouse service exec`."""

import os
import sys

import click

from console.cli.context import Session, asynchronous
from console.cli.options import Command
from console.cli.service_options import service_name


@click.command("exec", cls=Command)
@service_name
@click.option(
    "--replica", default="", metavar="NAME", help="Which of its replicas; else the first."
)
@click.argument("command", nargs=-1, metavar="[-- PROGRAM [ARGUMENT]…]")
@click.pass_obj
@asynchronous
async def exec_(session: Session, name: str, replica: str, command: tuple[str, ...]) -> None:
    """Open a shell in a service's container, or run PROGRAM there; ctrl+] leaves.

    Ends with the program's own exit code.
    """
    from backends.targets.terminal import ExecRequest
    from console.lending import lend, refuse_without_terminal, size_of

    refuse_without_terminal()
    keys, out = sys.stdin.fileno(), sys.stdout.fileno()
    columns, rows = size_of(out)
    request = ExecRequest(
        command=command,
        replica=replica,
        columns=columns,
        rows=rows,
        terminal=os.environ.get("TERM", "dumb"),
    )
    async with (
        session.live_workspace() as workspace,
        workspace.services.exec(name, request) as program,
    ):
        left = await lend(program, keys=keys, out=out)
        code = None if left else await program.exit_code()
    if code:
        sys.exit(code)
