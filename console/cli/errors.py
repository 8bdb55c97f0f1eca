"""The one place where the command line reports what went wrong."""

import sys
import traceback

import click

from backends.errors import InvalidInput, PilothouseError
from console.cli.colour import paint
from console.cli.text import one_line, printable

INTERRUPTED = 130
USAGE = 2


def report(error: BaseException, *, debug: bool) -> int:
    """Write an error to stderr and give the exit code it ends the process with.

    One line says what and why, one what to do; the traceback only when it is asked for.
    """
    if debug and not isinstance(error, click.UsageError):
        traceback.print_exception(error)
    match error:
        case PilothouseError():
            complain(error.what, error.fix)
            if debug or isinstance(error, InvalidInput):
                _evidence(error.detail)
            return error.exit_code
        case click.UsageError():
            complain(error.format_message(), _usage_hint(error))
            return USAGE
        case click.ClickException():
            complain(error.format_message(), "")
            return error.exit_code
        case OSError() if error.filename or error.strerror:
            thing = f"{error.filename}: " if error.filename else ""
            complain(
                f"{thing}{error.strerror or error}.", "Check the path, its rights and the disk."
            )
            return 1
    complain(
        f"Unexpected {type(error).__name__}: {error}",
        "This is a fault of pilothouse: run it again with --debug and report the traceback.",
    )
    return 1


def complain(what: str, fix: str) -> None:
    """Write the two lines of an error."""
    click.echo(f"{paint('error:', 'red', sys.stderr)} {one_line(what)}", err=True)
    if fix:
        click.echo(f"  fix: {one_line(fix)}", err=True)


def _evidence(detail: str) -> None:
    lines = printable(detail).splitlines()
    for line in lines if len(lines) > 1 else ():
        click.echo(f"  ┆ {line}", err=True)


def _usage_hint(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "pilothouse"
    return f"See `{path} --help`."
