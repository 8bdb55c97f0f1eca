"""`pilothouse computetarget attach`, `detach`, `default`, `list` and `show`."""

import asyncio
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from console.cli.complete import complete_targets
from console.cli.context import Session, asynchronous
from console.cli.options import PAIR, Command, merged

if TYPE_CHECKING:
    from backends.targets.catalog import TargetRecord
    from backends.targets.records import TargetInfo

CHECK_SECONDS = 10.0
"""Longest wait for a target to say what it is."""


@click.command("attach", cls=Command)
@click.argument("kind")
@click.option("-n", "--name", required=True, help="What to call it here.")
@click.option("-i", "--compute-resource-id", help="ARM id of the cluster.")
@click.option("--namespace", help="Kubernetes namespace to deploy into.")
@click.option("-a", "--address", help="Address of the engine or host.")
@click.option(
    "--set", "settings", type=PAIR, multiple=True, help="Another setting of the driver, key=value."
)
@click.pass_obj
def attach(
    session: Session,
    kind: str,
    name: str,
    compute_resource_id: str | None,
    namespace: str | None,
    address: str | None,
    settings: tuple[tuple[str, str], ...],
) -> None:
    """Make a target of a KIND (process, local, kubernetes, aks …) known under a name."""
    from backends.targets.catalog import TargetRecord

    given = {"resource_id": compute_resource_id, "namespace": namespace, "address": address}
    said = {key: value for key, value in given.items() if value} | merged(settings)
    with session.workspace() as workspace:
        record = TargetRecord(name=name, kind=kind.lower(), workspace=workspace.name, settings=said)
        attached = workspace.targets.attach(record)
    session.out.emit(_shape(attached))


@click.command("detach", cls=Command)
@click.option("-n", "--name", required=True, shell_complete=complete_targets, help="The target.")
@click.pass_obj
def detach(session: Session, name: str) -> None:
    """Forget a target; what runs there goes on."""
    with session.workspace() as workspace:
        workspace.targets.detach(name)
    session.out.emit({"name": name})


@click.command("default", cls=Command)
@click.option("-n", "--name", required=True, shell_complete=complete_targets, help="The target.")
@click.pass_obj
def default(session: Session, name: str) -> None:
    """Deploy to this target where neither a target nor a deployment config is named."""
    with session.workspace() as workspace:
        workspace.targets.set_default(name)
    session.out.emit({"name": name})


@click.command("list", cls=Command)
@click.pass_obj
def list_targets(session: Session) -> None:
    """List targets; none of them is asked."""
    with session.workspace() as workspace:
        targets = workspace.targets.list()
        chosen = workspace.targets.default()
    session.out.emit([_shape(target) | {"default": target.name == chosen} for target in targets])


@click.command("show", cls=Command)
@click.option("-n", "--name", required=True, shell_complete=complete_targets, help="The target.")
@click.pass_obj
@asynchronous
async def show(session: Session, name: str) -> None:
    """Show a target, asking it what it is, what it has and what it can do."""
    from backends.errors import Unavailable

    async with session.live_workspace() as workspace:
        target = workspace.targets.get(name)
        driver = workspace.targets.open(name)
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                info = await driver.check()
        except TimeoutError:
            raise Unavailable(
                f"Target '{name}' gave no answer in {CHECK_SECONDS:g} s.",
                fix="Check that it runs and can be reached, then try again.",
            ) from None
        able = to_builtins(driver.capabilities)
    shape = _shape(target) | _info(info)
    can = " ".join(word.replace("_", "-") for word, holds in able.items() if holds)
    session.out.emit(shape | {"capabilities": able}, table=shape | {"can": can})


def _shape(target: "TargetRecord") -> dict[str, Any]:
    return {
        "name": target.name,
        "computeType": target.kind.upper(),
        "settings": dict(target.settings),
    }


def _info(info: "TargetInfo") -> dict[str, Any]:
    return {
        "version": info.version,
        "identity": info.identity,
        "cpus": info.cpus,
        "memoryInGB": info.memory_gb,
        "diskFreeInGB": info.disk_free_gb,
        "gpus": info.gpus,
        "latencyMs": round(info.latency_ms, 1),
    }
