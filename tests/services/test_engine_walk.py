"""The whole life of a service on a real engine, for each kind of model that ships.

A no-code ONNX model, a script with a conda file, and a folder of several files.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from backends.configs.deployment import parse_deployment
from backends.configs.inference import read_inference
from backends.demo import demo_models
from backends.demo.manifest import DemoModel
from backends.images.containers import names
from backends.services.records import DeployRequest, Service
from backends.targets.catalog import TargetRecord
from backends.targets.records import ServiceState
from backends.targets.terminal import ExecRequest
from backends.workspace import Workspace
from tests.support.containers import asked, client, needs_engine, remove_workspace
from tests.support.deploying import answer, deploy, events, healthy, score
from tests.support.imagebuilds import remove_images
from tests.support.services import eventually, written
from tests.support.sshd import needs_sshd, sshd

pytestmark = [needs_engine(), pytest.mark.timeout(600)]
PORT = 8890
"""As the documentation's local example has it."""
LOCAL = parse_deployment(json.dumps({"computeType": "local", "port": PORT}), "dc.json").config


@pytest.fixture
def name() -> Iterator[str]:
    found = f"walk{uuid4().hex[:8]}"
    yield found
    remove_workspace(found)
    with client() as engine:
        remove_images(engine, f"{names.WORKSPACE}={found}")


@pytest.fixture
async def workspace(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Workspace]:
    monkeypatch.setenv("PILOTHOUSE_HOME", str(tmp_path / "home"))
    opened = Workspace.open(name)
    yield opened
    await opened.aclose()


def wish(model: DemoModel, version: str) -> DeployRequest:
    inference = model.inference_config
    return DeployRequest(
        name="walk",
        models=(version,),
        inference=read_inference(inference).config if inference else None,
        deployment=LOCAL,
        base=str(inference.parent) if inference else "",
    )


@pytest.mark.parametrize("which", ["digits", "diabetes", "wine"])
async def test_it_is_deployed_scored_updated_rolled_back_killed_stopped_and_deleted(
    workspace: Workspace, which: str
) -> None:
    model = next(one for one in demo_models() if one.name == which)
    first = workspace.registry.register(model.registration)
    second = workspace.registry.register(model.registration)
    body = model.sample_input.read_text(encoding="utf-8")
    wanted = json.loads(model.sample_output.read_text(encoding="utf-8"))

    service = await deploy(workspace, wish(model, first.id))
    assert service.url == f"http://127.0.0.1:{PORT}"
    await scores(workspace, body, wanted)

    plan = await workspace.services.plan_update("walk", DeployRequest(models=(second.id,)))
    assert models(healthy(await events(workspace, plan))) == [second.id]
    await scores(workspace, body, wanted)

    plan = await workspace.services.plan_rollback("walk")
    assert models(healthy(await events(workspace, plan))) == [first.id]
    await scores(workspace, body, wanted)

    before = await kill_server(workspace.name)

    async def back() -> bool:
        again = await started(workspace.name) > before
        return again and (await score(workspace, "walk", body)).status == 200

    await eventually(back)
    await scores(workspace, body, wanted)

    await workspace.services.stop("walk")
    assert (await workspace.services.show("walk")).state is ServiceState.STOPPED
    await workspace.services.start("walk")
    assert (await workspace.services.wait("walk", 60)).state is ServiceState.HEALTHY
    await scores(workspace, body, wanted)

    await workspace.services.delete("walk")
    assert await ours(workspace.name) == []


@needs_sshd()
async def test_an_engine_behind_ssh_builds_runs_and_lends_a_shell(
    workspace: Workspace, tmp_path: Path
) -> None:
    model = next(one for one in demo_models() if one.name == "digits")
    version = workspace.registry.register(model.registration)
    with sshd(tmp_path) as server:
        settings = {"url": "ssh://engine", "ssh_config": str(server.config)}
        workspace.targets.attach(
            TargetRecord(name="far", kind="docker", workspace=workspace.name, settings=settings)
        )
        local = parse_deployment('{"computeType": "local"}', "dc.json").config
        request = DeployRequest(name="walk", models=(version.id,), deployment=local, target="far")
        await deploy(workspace, request)
        body = model.sample_input.read_text(encoding="utf-8")
        await scores(workspace, body, json.loads(model.sample_output.read_text(encoding="utf-8")))
        driver = workspace.targets.open("far")
        async with asyncio.timeout(60), driver.exec("walk", ExecRequest()) as terminal:
            terminal.write(b"echo $((6 * 7)); exit 3\n")
            assert b"42" in await written(terminal)
            assert await terminal.exit_code() == 3
        await workspace.services.delete("walk")
        await workspace.aclose()
    assert await ours(workspace.name) == []


def models(service: Service) -> list[str]:
    return [model.id for model in service.spec.models]


async def scores(workspace: Workspace, body: str, wanted: Any) -> None:
    """The answer has what the sample's answer has, whatever else it says."""
    got = await answer(workspace, "walk", body)
    assert got == wanted or wanted.items() <= got.items()


async def ours(workspace: str) -> list[Any]:
    found: list[Any] = await asked(
        lambda engine: engine.containers(
            all=True, filters={"label": f"pilothouse/workspace={workspace}"}
        )
    )
    return found


async def server(workspace: str) -> dict[str, Any]:
    (found,) = [
        one for one in await ours(workspace) if one["Labels"]["pilothouse/role"] == "server"
    ]
    inspected: dict[str, Any] = await asked(lambda engine: engine.inspect_container(found["Id"]))
    return inspected


async def started(workspace: str) -> str:
    return str((await server(workspace))["State"]["StartedAt"])


async def kill_server(workspace: str) -> str:
    """Kill the container's first process, as a crash would; the engine starts it again."""
    found = await server(workspace)
    os.kill(found["State"]["Pid"], signal.SIGKILL)
    return str(found["State"]["StartedAt"])
