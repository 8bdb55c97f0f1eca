"""From `deploy` to Healthy on a Docker engine whose environment image is cached, beside the same
by hand: `docker build`, `docker run`, and the first good answer.

Needs a Docker engine and its command line.
"""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from backends.configs.deployment import parse_deployment
from backends.demo import demo_models
from backends.images.containers import names
from backends.registry.records import Registration
from backends.requests.payload import sample_body
from backends.services.records import DeployRequest, Finished
from backends.workspace import Workspace
from tests.bench.figures import Figure, compare
from tests.support.containers import remove_workspace

WORKSPACE = "bench"
TAG = "pilothouse-bench-by-hand"
_PORTS = count(18_700)
_LAUNCH = {"service": "hand", "builtin": "onnx", "host": "0.0.0.0", "port": 5001}


def measure() -> Iterator[Figure]:
    """One figure."""
    home = Path(tempfile.mkdtemp())
    os.environ["PILOTHOUSE_HOME"] = str(home)
    try:
        body, environment = asyncio.run(_prepare())
        yield compare(
            "deploy to Healthy on Docker, cached (open console)",
            _ours,
            "docker build, docker run, first good answer",
            _by_hand(home, environment, body),
            allowed=2.0,
            rounds=5,
        )
    finally:
        remove_workspace(WORKSPACE)
        shutil.rmtree(home)
        with contextlib.suppress(subprocess.CalledProcessError):
            _docker("rmi", "-f", TAG)


async def _prepare() -> tuple[str, str]:
    """Register a model, build everything once; a request's body and the environment's image."""
    workspace = Workspace.open(WORKSPACE)
    try:
        model = demo_models()[0]
        made = workspace.registry.register(Registration(name="digits", path=str(model.path)))
        await _deploy(workspace)
        service = workspace.services.find("bench")
        await workspace.services.delete("bench")
    finally:
        await workspace.aclose()
    return sample_body(None, made), _environment_image(service.spec.environment_key)


async def _deploy(workspace: Workspace) -> None:
    local = parse_deployment('{"computeType": "local"}', "dc.json").config
    request = DeployRequest(name="bench", models=("digits:1",), deployment=local)
    plan = await workspace.services.plan(request)
    last = [event async for event in workspace.services.run(plan)][-1]
    assert isinstance(last, Finished), last


def _ours() -> float:
    async def deploy() -> float:
        workspace = Workspace.open(WORKSPACE)
        try:
            began = time.perf_counter()
            await _deploy(workspace)
            seconds = time.perf_counter() - began
            await workspace.services.delete("bench")
        finally:
            await workspace.aclose()
        return seconds

    return asyncio.run(deploy())


def _by_hand(home: Path, environment: str, body: str) -> Callable[[], float]:
    """What a person types who has the environment's image."""
    folder = home / "by-hand"
    models = folder / "app" / "azureml-models" / "digits" / "1"
    models.mkdir(parents=True)
    source = Path(demo_models()[0].path)
    shutil.copy(source, models / source.name)
    label = f'{{{{index .Config.Labels "{names.INTERPRETER}"}}}}'
    interpreter = _docker("image", "inspect", "--format", label, environment).strip()
    where = {"app_root": "/var/azureml-app", "model_dir": "azureml-models/digits/1"}
    launch = {**_LAUNCH, **where, "interpreter": interpreter or None}
    (folder / "launch.json").write_text(json.dumps(launch))
    (folder / "Dockerfile").write_text(
        f"FROM {environment}\nCOPY launch.json /launch.json\nCOPY app /var/azureml-app\n"
    )

    def run() -> float:
        port = next(_PORTS)
        began = time.perf_counter()
        _docker("build", "-q", "-t", TAG, str(folder))
        program = ("--entrypoint", "/opt/pilothouse/bin/pilothouse-serve")
        publish = ("-p", f"127.0.0.1:{port}:5001")
        name = _docker("run", "-d", *publish, *program, TAG, "--launch", "/launch.json").strip()
        _await_answer(port, body)
        seconds = time.perf_counter() - began
        _docker("rm", "-f", name)
        return seconds

    return run


def _await_answer(port: int, body: str) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/score", body.encode(), {"Content-Type": "application/json"}
    )
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                answer.read()
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("no answer")


def _environment_image(key: str) -> str:
    labels = (f"{names.ENVIRONMENT_KEY}={key}", f"{names.IMAGE}={names.ENVIRONMENT}")
    filters = [word for label in labels for word in ("--filter", f"label={label}")]
    return _docker("images", "-q", *filters).split()[0]


def _docker(*words: str) -> str:
    environ = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(
        ("docker", *words), check=True, capture_output=True, env=environ, text=True
    )
    return done.stdout
