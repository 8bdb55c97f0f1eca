"""A shell beside a service, on the terminal that the console gives away for as long as it runs."""

import os
import sys
from typing import TYPE_CHECKING

from textual.app import App, SuspendNotSupported

from backends.errors import Unsupported
from backends.targets.terminal import ExecRequest
from console.lending import lend, refuse_without_terminal, size_of
from console.printable import printable

if TYPE_CHECKING:
    from backends.services.services import Services


async def open_shell(app: App[None], services: "Services", name: str, replica: str = "") -> str:
    """Run a shell in the service's container; what ended it, as a sentence.

    Deployments and streams of the console go on meanwhile; nothing of it is drawn.

    Raises:
        Unsupported: the target runs no programs, the image has no shell, or there is no terminal.
    """
    refuse_without_terminal()
    keys, out = sys.__stdin__, sys.__stdout__
    assert keys is not None
    assert out is not None
    columns, rows = size_of(out.fileno())
    request = ExecRequest(
        replica=replica, columns=columns, rows=rows, terminal=os.environ.get("TERM", "dumb")
    )
    async with services.exec(name, request) as program:
        where = printable(program.replica or name)
        try:
            with app.batch_update(), app.suspend():
                out.write(f"A shell in {where}; `exit` or ctrl+] comes back.\n")
                out.flush()
                left = await lend(program, keys=keys.fileno(), out=out.fileno())
        except SuspendNotSupported as error:
            raise Unsupported(
                "This terminal cannot be given to a shell.",
                fix=f"Run `pilothouse service exec -n {name}` in another one.",
            ) from error
        code = None if left else await program.exit_code()
    if left or code == 0:
        return ""
    if code is None:
        return f"The shell in {where} was cut off."
    return f"The shell in {where} ended with code {code}."
