"""`pilothouse demo`: real models, a service that answers, and the console on top of them."""

import asyncio
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backends.errors import Refused, ServiceFailed
from console.cli.context import Session
from console.cli.opening import in_terminal, open_console
from console.cli.options import Command

if TYPE_CHECKING:
    from backends.demo import DemoModel
    from backends.workspace import Workspace

WORKSPACE = "demo"
MARKER = ".demo"
"""Lies in a workspace that the demo made, so that it never removes one of somebody's own."""
DEPLOYED = ("digits", "wine")
"""A no-code model, and one with an entry script; neither needs anything installed."""
START_SECONDS = 60.0


@click.command(cls=Command)
@click.option("--keep", is_flag=True, help="Leave the workspace and its services when it ends.")
@click.option("--plain", is_flag=True, help="Only lines, even in a terminal.")
@click.pass_obj
def demo(session: Session, *, keep: bool, plain: bool) -> None:
    """Register real models, deploy two, score them; in a terminal, open the console on them.

    Everything happens in a workspace of its own that is removed at the end.
    """
    asyncio.run(_remove())
    try:
        asyncio.run(_walk())
        if not plain and in_terminal():
            open_console(WORKSPACE)
    finally:
        if not keep:
            asyncio.run(_remove())
    session.say(
        f"kept       pilothouse -w {WORKSPACE} opens it; the next demo starts anew"
        if keep
        else "removed    the services and the workspace; --keep leaves them"
    )


async def _walk() -> None:
    from backends.workspace import Workspace

    workspace = Workspace.open(WORKSPACE)
    (workspace.root / MARKER).touch()
    try:
        click.echo(f"workspace  {workspace.name}  {workspace.root}")
        _register(workspace)
        for model in _newest():
            if model.name in DEPLOYED:
                await _deploy(workspace, model)
                await _score(workspace, model)
        await _show(workspace)
    finally:
        await workspace.aclose()


async def _remove() -> None:
    """Remove what a demo left, and nothing that it did not make."""
    from backends.workspace import Workspace, workspaces_dir

    root = workspaces_dir() / WORKSPACE
    if not root.exists():
        return
    workspace = Workspace.open(WORKSPACE)
    try:
        registered = workspace.registry.rows() or workspace.environments.list()
        used = registered or workspace.services.list() or workspace.targets.list()[1:]
        if used and not (root / MARKER).exists():
            raise Refused(
                f"There is a workspace named '{WORKSPACE}' that the demo did not make.",
                fix="Run the demo with another PILOTHOUSE_HOME.",
            )
        for service in await workspace.services.refresh():
            await workspace.services.delete(service.name)
    finally:
        await workspace.aclose()
    shutil.rmtree(root)


def _newest() -> tuple["DemoModel", ...]:
    """The shipped models, each in its newest version."""
    from backends.demo import demo_models

    return tuple({model.name: model for model in demo_models()}.values())


def _register(workspace: "Workspace") -> None:
    from backends.demo import register_demo

    for version in register_demo(workspace.registry):
        click.echo(f"register   {version.id:<12} {version.framework:<8} {version.description}")


async def _deploy(workspace: "Workspace", model: "DemoModel") -> None:
    from backends.configs.deployment import read_deployment
    from backends.configs.inference import read_inference
    from backends.services.records import DeployRequest, RunFailed, StageFinished, StateChanged

    inference = read_inference(model.inference_config) if model.inference_config else None
    request = DeployRequest(
        name=model.name,
        models=(model.name,),
        inference=inference.config if inference else None,
        deployment=read_deployment(model.deployment_config).config,
        base=str(model.folder),
    )
    began = time.monotonic()
    plan = await workspace.services.plan(request)
    click.echo(f"deploy     {', '.join(ref.id for ref in plan.spec.models)} as {plan.spec.name}")
    async for event in workspace.services.run(plan, timeout=START_SECONDS):
        if isinstance(event, StageFinished):
            click.echo(f"           {event.stage:<12} {event.seconds:5.2f} s  {event.detail}")
        elif isinstance(event, StateChanged):
            click.echo(f"           {event.transition.state}: {event.transition.reason}")
        elif isinstance(event, RunFailed):
            raise event.error
    service = workspace.services.find(model.name)
    click.echo(f"           {service.url}/score after {time.monotonic() - began:.1f} s")


async def _score(workspace: "Workspace", model: "DemoModel") -> None:
    from backends.requests.call import send
    from backends.requests.records import Request

    body = model.sample_input.read_text(encoding="utf-8")
    async with workspace.services.endpoint(model.name) as endpoint:
        request = Request(service=model.name, url=endpoint.scoring, body=body)
        answer = await send(request, None)
    workspace.history.add(request, answer)
    text = answer.body.decode(errors="replace")
    click.echo(f"score      {model.name}: {answer.status} in {answer.timing.total:.1f} ms  {text}")
    wrong = _difference(model.sample_output, text) if answer.status == 200 else "not 200"
    if wrong:
        raise ServiceFailed(
            f"Service '{model.name}' did not give the answer that it ships with: {wrong}.",
            fix=f"See its log: `pilothouse service get-logs -n {model.name} -w {WORKSPACE}`.",
        )


def _difference(expected: Path, text: str) -> str:
    """What is wrong with an answer; the shipped one leaves out what changes from call to call."""
    wanted, found = json.loads(expected.read_text(encoding="utf-8")), json.loads(text)
    if isinstance(wanted, dict) and isinstance(found, dict):
        found = {key: value for key, value in found.items() if key in wanted}
    return "" if wanted == found else f"{found} instead of {wanted}"


async def _show(workspace: "Workspace") -> None:
    for service in await workspace.services.refresh():
        state = f"{service.state}  {service.reason}"
        click.echo(f"state      {service.name:<12} {state}  {service.url}")
