"""The volumes of one build: what is passed to it, and the tools that it runs."""

import contextlib
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.engines.engine import Engine
from backends.images.containers import names

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


async def furnish(engine: Engine, room: Workroom, server: str) -> None:
    """Fill the room with the tools of a server image: the engine copies them into new volumes."""
    name = f"pilothouse-build-{os.urandom(6).hex()}"
    mounts = [
        {"Type": "volume", "Source": room.server, "Target": names.SERVER_ROOT},
        {"Type": "volume", "Source": room.tools, "Target": names.TOOLS_ROOT},
    ]
    config = {
        "Image": server,
        "Cmd": ["none"],
        "Labels": {names.BUILDING: "yes"},
        "HostConfig": {"Mounts": mounts},
    }

    def fill(client: Any) -> None:
        client.create_container_from_config(config, name)
        client.remove_container(name, v=False)

    await engine.call("lay out the tools of a build", fill, seconds=300)


def _clear(client: "docker.APIClient", volumes: tuple[str, ...]) -> None:
    import docker.errors

    for name in volumes:
        with contextlib.suppress(docker.errors.NotFound):
            client.remove_volume(name, force=True)
