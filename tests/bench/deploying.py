"""From `deploy` to Healthy, beside the bare cost of what has to happen in it."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from backends.configs.inference import read_inference
from backends.demo import demo_models
from backends.services.records import DeployRequest, Finished
from backends.workspace import Workspace
from tests.bench.figures import Figure, compare, python

SESSION = "import sys, onnxruntime; onnxruntime.InferenceSession(sys.argv[1])"
SCRIPT = "def init():\n    import six\n\n\ndef run(data):\n    return data\n"
CONDA = "dependencies:\n  - python=3.11\n  - pip:\n    - six==1.16.0\n"
INFERENCE = '{"entryScript": "score.py", "condaFile": "myenv.yml", "runtime": "python"}'


def measure() -> Iterator[Figure]:
    """A no-code ONNX model, and a `score.py` whose environment is built already."""
    home = Path(tempfile.mkdtemp())
    try:
        yield from _measure(home)
    finally:
        shutil.rmtree(home)


def _measure(home: Path) -> Iterator[Figure]:
    os.environ["PILOTHOUSE_HOME"] = str(home)
    env = dict(os.environ)
    model = str(demo_models()[0].path)
    (home / "score.py").write_text(SCRIPT)
    (home / "myenv.yml").write_text(CONDA)
    (home / "ic.json").write_text(INFERENCE)
    _pilothouse(home, env, "model", "register", "-n", "digits", "-p", model)
    yield compare(
        "deploy to Healthy, no-code ONNX (open console)",
        _in_console(DeployRequest(name="bench", models=("digits:1",))),
        "start Python, import onnxruntime, open a session",
        python(SESSION, model),
        allowed=2.5,
    )
    yield compare(
        "deploy to Healthy, no-code ONNX (whole command)",
        _deploying(home, env, "-m", "digits:1"),
        "the same, and Python with click for the command",
        _both(python(SESSION, model), python("import click")),
        allowed=2.5,
    )
    script = read_inference(home / "ic.json").config
    yield compare(
        "deploy to Healthy, score.py, cached (open console)",
        _in_console(DeployRequest(name="bench", inference=script, base=str(home))),
        "start Python twice, import uvloop and the script",
        _bare_script(home),
        allowed=2.5,
    )
    yield compare(
        "deploy to Healthy, score.py, cached (whole command)",
        _deploying(home, env, "--ic", "ic.json", "-cp", "process"),
        "the same, and Python with click for the command",
        _both(_bare_script(home), python("import click")),
        allowed=2.5,
    )


def _deploying(home: Path, env: Mapping[str, str], *flags: str) -> Callable[[], float]:
    def run() -> float:
        began = time.perf_counter()
        _pilothouse(home, env, "model", "deploy", "-n", "bench", *flags)
        seconds = time.perf_counter() - began
        _pilothouse(home, env, "service", "delete", "-n", "bench")
        return seconds

    return run


def _in_console(request: DeployRequest) -> Callable[[], float]:
    """From the plan to Healthy in a process that has a workspace open, as the console has."""

    async def deploy() -> float:
        workspace = Workspace.open("default")
        try:
            began = time.perf_counter()
            plan = await workspace.services.plan(request)
            last = [event async for event in workspace.services.run(plan)][-1]
            seconds = time.perf_counter() - began
            assert isinstance(last, Finished), last
            await workspace.services.delete("bench")
        finally:
            await workspace.aclose()
        return seconds

    return lambda: asyncio.run(deploy())


def _bare_script(home: Path) -> Callable[[], float]:
    server = python("import asyncio, httptools, uvloop")
    worker = python("import sys; sys.path.insert(0, sys.argv[1]); import score", str(home))
    return _both(server, worker)


def _both(first: Callable[[], float], second: Callable[[], float]) -> Callable[[], float]:
    return lambda: first() + second()


def _pilothouse(home: Path, env: Mapping[str, str], *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "console", *words],
        check=True,
        capture_output=True,
        env={**env, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=home,
    )
