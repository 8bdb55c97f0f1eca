"""A real Docker engine for tests: whether there is one, and containers that go away with a test."""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

SOCKET = Path("/var/run/docker.sock")
IMAGE = "python:3.11-slim"
MARK = "pilothouse.tests"
"""Label of everything that a test makes itself."""


def missing() -> str:
    """Why tests of the engine cannot run here; empty when they can."""
    try:
        with client() as found:
            found.inspect_image(IMAGE)
    except (docker.errors.DockerException, OSError) as error:
        return f"no Docker engine with {IMAGE} answers: {error}"
    return ""


def needs_engine() -> pytest.MarkDecorator:
    """Skips without an engine; where `CI` is set, the tests run and fail instead."""
    if os.environ.get("CI"):
        return pytest.mark.skipif(False, reason="")
    reason = missing()
    return pytest.mark.skipif(bool(reason), reason=reason)


@contextmanager
def client(url: str = f"unix://{SOCKET}") -> Iterator[Any]:
    """The engine's API by the library alone: docker-py's low-level client, which has no types."""
    found = docker.APIClient(base_url=url, version="1.41", timeout=60)
    try:
        yield found
    finally:
        found.close()


async def asked(work: Callable[[Any], Any], url: str = f"unix://{SOCKET}") -> Any:
    """Ask the engine in a thread."""

    def run() -> Any:
        with client(url) as found:
            return work(found)

    return await asyncio.to_thread(run)


@asynccontextmanager
async def container(
    script: str,
    *,
    url: str = f"unix://{SOCKET}",
    terminal: bool = False,
    started: bool = True,
    image: str = IMAGE,
    network: str = "none",
    labels: dict[str, str] | None = None,
    log: dict[str, str] | None = None,
    restart: str = "no",
) -> AsyncGenerator[str, None]:
    """Id of a container that runs a Python script; removed with its volumes afterwards."""
    name = f"pilothouse-test-{secrets.token_hex(6)}"
    body: dict[str, Any] = {
        "Image": image,
        "Cmd": ["python", "-u", "-c", script],
        "Tty": terminal,
        "Labels": {MARK: "1", **(labels or {})},
        "StopSignal": "SIGKILL",
        "HostConfig": {
            "NetworkMode": network,
            "RestartPolicy": {"Name": restart},
            "LogConfig": {"Type": "json-file", "Config": log or {"max-size": "10m"}},
        },
    }
    made = await asked(lambda c: c.create_container_from_config(body, name), url)
    found = str(made["Id"])
    try:
        if started:
            await asked(lambda c: c.start(found), url)
        yield found
    finally:
        await asked(lambda c: c.remove_container(found, v=True, force=True), url)


def remove_workspace(workspace: str) -> None:
    """Remove all that the Docker driver made for a workspace, whatever became of its test."""
    wanted = {"label": [f"pilothouse/workspace={workspace}"]}
    with client() as engine:
        for container in engine.containers(all=True, filters=wanted):
            engine.remove_container(container["Id"], v=True, force=True)
        for volume in engine.volumes(filters=wanted).get("Volumes") or ():
            engine.remove_volume(volume["Name"], force=True)
        for network in engine.networks(filters=wanted):
            engine.remove_network(network["Id"])
