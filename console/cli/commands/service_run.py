"""`pilothouse service run`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.context import Session, asynchronous
from console.cli.options import PAIR, Command, merged
from console.cli.service_options import service_name
from console.cli.text import printable

if TYPE_CHECKING:
    from backends.errors import ScoringFailed
    from backends.requests.records import Answer, Request
    from backends.services.records import Service
    from backends.workspace import Workspace

OK = 200


@click.command("run", cls=Command)
@service_name
@click.option(
    "-d",
    "--input-data",
    metavar="TEXT",
    help="The request's body; @FILE reads it from a file, - from stdin.",
)
@click.option("--sample", is_flag=True, help="Send the sample of the model or the schema.")
@click.option("--header", "headers", type=PAIR, multiple=True, help="name=value; repeat for more.")
@click.option("--timeout", default=70.0, show_default=True, metavar="SECONDS", help="Longest wait.")
@click.pass_obj
@asynchronous
async def run(
    session: Session,
    name: str,
    input_data: str | None,
    sample: bool,
    headers: tuple[tuple[str, str], ...],
    timeout: float,
) -> None:
    """Send a request to a service and print its answer; the key is sent when it wants one."""
    if sample == (input_data is not None):
        raise click.UsageError("Give one of -d/--input-data and --sample.")
    from backends.errors import ScoringFailed
    from backends.requests.call import send
    from backends.requests.records import Request

    async with session.live_workspace() as workspace:
        service = workspace.services.find(name)
        async with workspace.services.endpoint(name) as endpoint:
            keys = await workspace.services.keys(name) if service.spec.auth else None
            body = _body(input_data) if input_data is not None else await _sample(workspace, name)
            request = Request(
                service=name,
                url=endpoint.scoring,
                body=body,
                headers={**endpoint.headers, **merged(headers)},
                timeout=timeout,
            )
            try:
                answer = await send(request, keys)
            except ScoringFailed as silent:
                raise _explained(silent, await workspace.services.show(name)) from silent
        workspace.history.add(request, answer)
    _report(session, request, answer)


def _explained(silent: "ScoringFailed", service: "Service") -> "ScoringFailed":
    """No answer from a service that was stopped is no riddle."""
    from backends.targets.records import ServiceState

    if service.state is not ServiceState.STOPPED:
        return silent
    return type(silent)(
        f"Service '{service.name}' is stopped and answers nothing.",
        fix=f"Start it: `pilothouse service start -n {service.name}`.",
    )


def _body(text: str) -> str:
    """The body that `-d` means.

    Raises:
        InvalidInput: its file cannot be read as text.
    """
    if text == "-":
        return sys.stdin.read()
    if not text.startswith("@"):
        return text
    from backends.errors import InvalidInput

    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise InvalidInput(
            f"{text[1:]} cannot be read as text: {wrong}", fix="Check the file after the @."
        ) from wrong


async def _sample(workspace: "Workspace", name: str) -> str:
    from backends.requests.call import fetch_swagger
    from backends.requests.payload import sample_body

    service = workspace.services.find(name)
    carried = [model for model in service.spec.models if model.version]
    version = workspace.registry.resolve(carried[0].id) if carried else None
    async with workspace.services.endpoint(name) as endpoint:
        return sample_body(await fetch_swagger(endpoint), version)


def _report(session: Session, request: "Request", answer: "Answer") -> None:
    """Print the answer; one that is not 200 goes to stderr and ends with exit 1.

    Raises:
        click.exceptions.Exit: the status is not 200.
    """
    took = f"{answer.status} {answer.reason}  {answer.timing.total:.1f} ms"
    if answer.status != OK:
        click.echo(f"error: {request.url} answered {printable(took)}", err=True)
        click.echo(printable(answer.body.decode(errors="replace")), err=True)
        click.echo(
            f"  fix: See why with `pilothouse service get-logs -n {request.service}`.", err=True
        )
        raise click.exceptions.Exit(1)
    if session.verbose:
        session.say(took)
    _print_body(session, answer.body)


def _print_body(session: Session, body: bytes) -> None:
    """JSON as the output format says, indented where a table has no place; else as it came."""
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    if data is None and body.strip() != b"null":
        _print_raw(body)
    elif session.out.chosen or session.out.query is not None:
        session.out.emit(data)
    else:
        session.out.as_json().emit(data)


def _print_raw(body: bytes) -> None:
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(body)
        return
    try:
        click.echo(printable(body.decode()))
    except UnicodeDecodeError:
        click.echo(f"{len(body)} bytes that are not text; redirect stdout to keep them", err=True)
