"""`pilothouse doctor`."""

from typing import TYPE_CHECKING, Any

import click

from console.cli.context import Session
from console.cli.options import Command

if TYPE_CHECKING:
    from console.cli.checkup import Finding

GLYPHS = {"ok": "●", "warning": "▲", "error": "✖"}


@click.command("doctor", cls=Command)
@click.option("--offline", is_flag=True, help="Ask nothing of the network.")
@click.pass_obj
def doctor(session: Session, offline: bool) -> None:
    """Look at what Pilothouse needs on this machine and name each fix.

    Exit 1 when something that every use needs does not work.
    """
    from console.cli.checkup import findings

    found = findings(session.workspace_name, session.start, offline=offline)
    session.out.emit([_shape(one) for one in found], table="\n".join(map(_lines, found)))
    if any(one.level == "error" for one in found):
        raise click.exceptions.Exit(1)


def _shape(one: "Finding") -> dict[str, Any]:
    return {"check": one.check, "level": one.level, "detail": one.detail, "fix": one.fix or None}


def _lines(one: "Finding") -> str:
    fix = f"\n{'':<12}fix: {one.fix}" if one.fix else ""
    return f"{GLYPHS[one.level]} {one.level:<10}{one.check:<15}{one.detail}{fix}"
