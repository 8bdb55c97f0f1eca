"""A new model version on a cached environment, beside a plain `docker build` that copies the model.

Needs a Docker engine and its command line.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from backends.images.containers import names
from backends.images.containers.records import Image
from tests.bench.figures import Figure, compare
from tests.support.containers import client
from tests.support.imagebuilds import built, bundled, planned, remove_images, serviced, specified
from tests.support.wheels import wheel

SIZES = {"100 kB": 100_000, "10 MB": 10_000_000, "200 MB": 200_000_000}
WORKSPACE = "pilothouse-bench"
PLAIN = "pilothouse-bench-plain"
_NUMBERS = count(1)


def measure() -> Iterator[Figure]:
    """One figure a size."""
    home = Path(tempfile.mkdtemp())
    with client() as engine:
        before = {image["Id"] for image in engine.images()}
    try:
        wheel(home / "wheels", "harbour", "1.0")
        plan = planned("--no-index", f"--find-links {home / 'wheels'}", "harbour")
        environment, _ = asyncio.run(built(plan))
        for word, size in SIZES.items():
            yield compare(
                f"service image, new model of {word}, cached environment",
                _ours(environment, home, size),
                "docker build: FROM that environment, COPY model",
                _plain(environment, home, size),
                allowed=1.5,
                rounds=5,
            )
    finally:
        shutil.rmtree(home)
        with client() as engine:
            remove_images(engine, f"{names.WORKSPACE}={WORKSPACE}")
            remove_images(engine, f"{names.IMAGE}={names.STEP}", but=before)
            engine.remove_image(PLAIN)


def _ours(environment: Image, home: Path, size: int) -> Callable[[], float]:
    def run() -> float:
        number = next(_NUMBERS)
        bundle = bundled(home / f"r{number}", models={"model.bin": os.urandom(size)})
        spec = specified(bundle, WORKSPACE, number, os.urandom(8).hex())
        began = time.perf_counter()
        asyncio.run(serviced(environment, spec))
        seconds = time.perf_counter() - began
        shutil.rmtree(bundle)
        return seconds

    return run


def _plain(environment: Image, home: Path, size: int) -> Callable[[], float]:
    def run() -> float:
        folder = home / f"plain{next(_NUMBERS)}"
        folder.mkdir()
        (folder / "model.bin").write_bytes(os.urandom(size))
        dockerfile = f"FROM {environment.reference}\nCOPY model.bin /var/azureml-app/model.bin\n"
        (folder / "Dockerfile").write_text(dockerfile)
        command = ["docker", "build", "-q", "-t", PLAIN, str(folder)]
        began = time.perf_counter()
        environ = {**os.environ, "DOCKER_BUILDKIT": "0"}
        subprocess.run(command, check=True, capture_output=True, env=environ)
        seconds = time.perf_counter() - began
        shutil.rmtree(folder)
        return seconds

    return run
