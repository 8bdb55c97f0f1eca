"""Small real projects, and deploying them, for tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backends.configs.deployment import parse_deployment
from backends.configs.inference import parse_inference
from backends.registry.records import ModelVersion, Registration
from backends.requests.call import send
from backends.requests.records import Answer, Request
from backends.services.records import DeployRequest, Event, Finished, Plan, RunFailed, Service
from backends.workspace import Workspace

START_SECONDS = 60.0

READS_MODEL_DIR = """\
import json
import os


def init():
    global text
    with open(os.path.join(os.getenv("AZUREML_MODEL_DIR"), {path!r})) as file:
        text = file.read()


def run(data):
    print("scoring", len(data))
    return {{"model": text, "got": json.loads(data)}}
"""
"""Answers with what the model file holds and what was sent."""


def write_project(folder: Path, script: str, **files: str) -> Path:
    """A source directory `project` with a `score.py` and other files."""
    project = folder / "project"
    project.mkdir(exist_ok=True)
    (project / "score.py").write_text(script)
    for name, text in files.items():
        (project / name).write_text(text)
    return project


def register_text(workspace: Workspace, name: str, text: str, folder: Path) -> ModelVersion:
    """A model of one text file `model.txt`."""
    path = folder / "model.txt"
    path.write_text(text)
    return workspace.registry.register(Registration(name=name, path=str(path)))


def request(
    name: str,
    *models: str,
    inference: Mapping[str, Any] | None = None,
    deployment: Mapping[str, Any] | None = None,
    **more: Any,
) -> DeployRequest:
    """A request from configs as their files would read."""
    parsed = parse_inference(json.dumps(inference), "inferenceconfig.json") if inference else None
    where = (
        parse_deployment(json.dumps(deployment), "deploymentconfig.json") if deployment else None
    )
    assert parsed is None or not parsed.errors, parsed.errors
    assert where is None or not where.errors, where.errors
    return DeployRequest(
        name=name,
        models=models,
        inference=parsed.config if parsed else None,
        deployment=where.config if where else None,
        **more,
    )


async def events(workspace: Workspace, plan: Plan) -> list[Event]:
    """Carry a plan out and return all that happened."""
    return [event async for event in workspace.services.run(plan, timeout=START_SECONDS)]


async def deploy(workspace: Workspace, wish: DeployRequest) -> Service:
    """Deploy and expect it to become Healthy."""
    return healthy(await events(workspace, await workspace.services.plan(wish)))


def healthy(happened: list[Event]) -> Service:
    """The service of a run that ended well."""
    last = happened[-1]
    assert isinstance(last, Finished), last
    return last.service


def failed(happened: list[Event]) -> RunFailed:
    """The end of a run that did not."""
    last = happened[-1]
    assert isinstance(last, RunFailed), last
    return last


async def score(workspace: Workspace, name: str, body: str = "{}", *, key: bool = False) -> Answer:
    """Post a body to a service."""
    keys = await workspace.services.keys(name) if key else None
    async with workspace.services.endpoint(name) as endpoint:
        return await send(Request(service=name, url=endpoint.scoring, body=body), keys)


async def answer(workspace: Workspace, name: str, body: str = "{}") -> Any:
    """Post a body and return the JSON of a 200."""
    got = await score(workspace, name, body)
    assert got.status == 200, got
    return json.loads(got.body)
