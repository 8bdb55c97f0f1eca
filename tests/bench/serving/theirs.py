"""azureml-inference-server-http from PyPI, in a venv that is made once."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from tests.support.scoring_server import until

VERSION = "1.5.1"
PACKAGES = (f"azureml-inference-server-http=={VERSION}", "onnxruntime", "numpy")


def venv() -> Path:
    """The folder of the venv; made when it is not there."""
    place = (
        Path(tempfile.gettempdir()) / f"pilothouse-bench-{os.getuid()}" / f"azmlinfsrv-{VERSION}"
    )
    done = place / "complete"
    if not done.exists():
        shutil.rmtree(place, ignore_errors=True)
        uv = (sys.executable, "-m", "uv")
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(place)], check=True)
        python = str(place / "bin/python")
        subprocess.run([*uv, "pip", "install", "-q", "--python", python, *PACKAGES], check=True)
        done.touch()
    return place


@contextlib.contextmanager
def running(app: Path, model: Path, workers: int) -> Iterator[tuple[str, psutil.Process]]:
    """Its address and its first process, when it answers; it logs to a file, as ours does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--entry_script", "score.py", "--model_dir", str(model), "--port", str(port)]
    with (app.parent / "azmlinfsrv.log").open("wb") as log:
        process = subprocess.Popen(
            [str(venv() / "bin/azmlinfsrv"), *words, "--worker_count", str(workers)],
            cwd=app,
            env={**os.environ, "AML_APP_ROOT": str(app)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url), "azmlinfsrv", 120.0)
        yield url, psutil.Process(process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
