"""`pilothouse service delete`, `stop`, `start`, `scale` and `wait`."""

import click

from console.cli.context import Session, asynchronous
from console.cli.options import Command, accepted
from console.cli.rollout import emit_service
from console.cli.service_options import service_name


@click.command("delete", cls=Command)
@service_name
@accepted("-y", "--yes", is_flag=True, help="Accepted; nothing is ever asked.")
@click.pass_obj
@asynchronous
async def delete(session: Session, name: str) -> None:
    """Delete a service and everything of it from its target."""
    async with session.live_workspace() as workspace:
        await workspace.services.delete(name)
    session.out.emit({"name": name})


@click.command("stop", cls=Command)
@service_name
@click.pass_obj
@asynchronous
async def stop(session: Session, name: str) -> None:
    """Stop answering; the record, revisions and address stay."""
    async with session.live_workspace() as workspace:
        await workspace.services.stop(name)
        service = await workspace.services.show(name)
        emit_service(session, workspace, service)


@click.command("start", cls=Command)
@service_name
@click.option("--no-wait", is_flag=True, help="Return at once.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Longest wait; exit 124 after it.")
@click.pass_obj
@asynchronous
async def start(session: Session, name: str, no_wait: bool, timeout: float | None) -> None:
    """Start a stopped service at the revision it had, and wait until it is Healthy."""
    async with session.live_workspace() as workspace:
        await workspace.services.start(name)
        if no_wait:
            service = await workspace.services.show(name)
        else:
            service = await workspace.services.wait(name, timeout)
        emit_service(session, workspace, service)
    if not no_wait:
        end_unless_healthy(service.name, service.state.value, service.reason)


@click.command("scale", cls=Command)
@service_name
@click.option(
    "-r", "--replicas", type=click.IntRange(min=1), required=True, help="How many are to run."
)
@click.option("--no-wait", is_flag=True, help="Return at once.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Longest wait; exit 124 after it.")
@click.pass_obj
@asynchronous
async def scale(
    session: Session, name: str, replicas: int, no_wait: bool, timeout: float | None
) -> None:
    """Change the number of replicas, and wait until all of them answer."""
    async with session.live_workspace() as workspace:
        await workspace.services.scale(name, replicas)
        if no_wait:
            service = await workspace.services.show(name)
        else:
            service = await workspace.services.wait(name, timeout)
        emit_service(session, workspace, service)
    if not no_wait:
        end_unless_healthy(service.name, service.state.value, service.reason)


@click.command("wait", cls=Command)
@service_name
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Longest wait; exit 124 after it. Without it there is no limit.",
)
@click.pass_obj
@asynchronous
async def wait(session: Session, name: str, timeout: float | None) -> None:
    """Wait until the state is final and nothing rolls out; exit 0 only if it is Healthy."""
    async with session.live_workspace() as workspace:
        service = await workspace.services.wait(name, timeout)
        emit_service(session, workspace, service)
    end_unless_healthy(service.name, service.state.value, service.reason)


def end_unless_healthy(name: str, state: str, reason: str) -> None:
    """Raise for a service that is not Healthy.

    Raises:
        ServiceFailed: it is not.
    """
    from backends.errors import ServiceFailed

    if state != "Healthy":
        raise ServiceFailed(
            f"Service '{name}' is {state}: {reason}",
            fix=f"`pilothouse service get-logs -n {name}` shows its log.",
        )
