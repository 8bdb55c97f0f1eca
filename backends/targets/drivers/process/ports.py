"""Ports for the services of this machine."""

import zlib

from backends.errors import Conflict
from backends.targets import host
from backends.targets.drivers.process.rundir import Address, RunDir, rundirs

_FIRST, _COUNT = 20_000, 12_000
"""Below the range from which systems take ports for outgoing connections (32768 on Linux), so
that a stopped service finds its own port free when it starts again."""


def claim(address: Address) -> None:
    """See that a service may listen there.

    Raises:
        Conflict: it may not, with the owner where that can be told.
    """
    if problem := host.port_problem(address.host, address.port):
        raise Conflict(
            f"The service cannot listen: {problem}.",
            fix="Name another `port` in the deployment config, or leave it out for a free one.",
        )


def free_port(place: RunDir, address: str) -> int:
    """A port that neither a process nor a stopped service of the workspace holds.

    The search starts at a place of the service's own, so that two consoles that deploy at once
    hardly meet.

    Raises:
        Conflict: none is free.
    """
    held = {a.port for other in rundirs(place.workspace) if (a := other.address)}
    start = zlib.crc32(str(place.root).encode())
    for step in range(_COUNT):
        port = _FIRST + (start + step) % _COUNT
        if port not in held and not host.port_problem(address, port):
            return port
    raise Conflict(
        f"No port from {_FIRST} to {_FIRST + _COUNT - 1} is free.", fix="Stop what is not needed."
    )
