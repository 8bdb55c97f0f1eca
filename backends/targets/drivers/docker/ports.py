"""Ports of the engine's machine for services that name none, kept for the life of the service."""

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backends.engines.engine import Engine
from backends.targets import host
from backends.targets.drivers.docker import labels

if TYPE_CHECKING:
    import docker

_FIRST, _COUNT = 20_000, 12_000
"""Below the range from which systems take ports for outgoing connections."""
TRIES = 20
"""Ports that are tried before one gives up: somebody else may hold what looks free from here."""


async def holders(engine: Engine) -> dict[int, str]:
    """Ports that containers are to be published on, those that do not run included, with names.

    Raises:
        PilothouseError: the engine could not be asked.
    """

    def ask(client: "docker.APIClient") -> dict[int, str]:
        found: dict[int, str] = {}
        for row in client.containers(all=True):
            words = row.get("Labels") or {}
            name = words.get(labels.SERVICE) or next(iter(row.get("Names") or ["?"])).lstrip("/")
            for port in row.get("Ports") or ():
                if port.get("PublicPort"):
                    found[int(port["PublicPort"])] = str(name)
            if words.get(labels.PORT, "").isdecimal():
                found[int(words[labels.PORT])] = str(name)
        return found

    return await engine.call("list the ports in use", ask)


def candidates(name: str, address: str, taken: dict[int, str], *, near: bool) -> Iterator[int]:
    """Ports that look free, in an order of the service's own.

    Args:
        name: What the order depends on.
        address: Where the service is to listen.
        taken: Ports of other containers.
        near: The engine's machine is this one, so its processes can be seen.
    """
    start = zlib.crc32(name.encode())
    for step in range(_COUNT):
        port = _FIRST + (start + step) % _COUNT
        if port not in taken and not (near and host.port_problem(address, port)):
            yield port
