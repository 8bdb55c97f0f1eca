"""The volumes of one build: what is passed to it, and the tools that it runs."""

import contextlib
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.engines.engine import Engine
from backends.images.containers import names
from backends.images.containers.layers import Archive, put_archive, remove_container
from backends.images.venv import BuildLine

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True, kw_only=True)
class Workroom:
    """Names of a build's volumes."""

    inputs: str
    server: str
    tools: str

    @property
    def volumes(self) -> dict[str, str]:
        """Where each is mounted in a step that installs or runs something."""
        return {
            self.inputs: names.INPUTS,
            self.server: names.SERVER_ROOT,
            self.tools: names.TOOLS_ROOT,
            names.UV_CACHE: f"{names.INPUTS}-cache",
        }


@asynccontextmanager
async def workroom(engine: Engine) -> AsyncGenerator[Workroom, None]:
    """A room for one build, cleared away with all that it held."""
    mark = os.urandom(6).hex()
    room = Workroom(
        inputs=f"pilothouse-inputs-{mark}",
        server=f"pilothouse-server-{mark}",
        tools=f"pilothouse-tools-{mark}",
    )
    own = (room.inputs, room.server, room.tools)

    def prepare(client: "docker.APIClient") -> None:
        for name in own:
            client.create_volume(name, labels={names.BUILDING: "yes"})
        client.create_volume(names.UV_CACHE, labels={names.VOLUME: "packages"})

    try:
        await engine.call("prepare a build", prepare)
        yield room
    finally:
        await engine.call("clear away after a build", lambda client: _clear(client, own))


async def furnish(
    engine: Engine, room: Workroom, server: str, passed: Archive
) -> AsyncGenerator[BuildLine, None]:
    """Fill the room: the engine copies a server image's tools into new volumes, we send the rest.

    Args:
        engine: Where the room is.
        room: Empty until now.
        server: The server image.
        passed: What the build is given, for the room's inputs.
    """
    name = f"pilothouse-build-{os.urandom(6).hex()}"
    places = {room.server: names.SERVER_ROOT, room.tools: names.TOOLS_ROOT}
    places[room.inputs] = names.INPUTS
    config = {
        "Image": server,
        "Cmd": ["none"],
        "Labels": {names.BUILDING: "yes"},
        "HostConfig": {
            "Mounts": [
                {"Type": "volume", "Source": volume, "Target": at} for volume, at in places.items()
            ]
        },
    }

    def create(client: Any) -> None:
        client.create_container_from_config(config, name)

    await engine.call("lay out the tools of a build", create, seconds=300)
    try:
        async with contextlib.aclosing(put_archive(engine, name, passed)) as lines:
            async for line in lines:
                yield line
    finally:
        await remove_container(engine, name)


def _clear(client: "docker.APIClient", volumes: tuple[str, ...]) -> None:
    import docker.errors

    for name in volumes:
        with contextlib.suppress(docker.errors.NotFound):
            client.remove_volume(name, force=True)
