"""The end of a change: containers that get no requests any more answer their last, and go."""

import asyncio

from backends.engines.engine import Engine
from backends.targets.drivers.docker import finding, making, routing
from backends.targets.drivers.docker.current import Group, current_spec, group
from backends.targets.drivers.docker.finding import Container, identity, volumes_of
from backends.targets.drivers.docker.state import serving_at_all
from backends.targets.launches import grace

_LOOK_SECONDS = (0.2, 2.0)
"""First and longest pause between looks at a router that is to switch."""


async def tidy(engine: Engine, known: Group, seconds: float) -> None:
    """Remove what leaves, after at most so many seconds for its last requests.

    Raises:
        PilothouseError: the engine could not.
    """
    if known.router is not None and serving_at_all(known.router):
        await routing.drain(engine, known.router, seconds)
    await asyncio.gather(*(_end(engine, container) for container in known.leaving))


async def finish(engine: Engine, workspace: str, name: str) -> None:
    """Wait until the router has switched to what is coming, then tidy up.

    Whoever looks later does it otherwise.

    Raises:
        PilothouseError: the engine could not.
    """
    pause, longest = _LOOK_SECONDS
    while True:
        found = await finding.containers(engine, workspace, name)
        known = await group(engine, found)
        if known.newest is None:
            return
        spec = await current_spec(engine, known.newest, "")
        if known.leaving:
            await tidy(engine, known, grace(spec))
        if not known.coming:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, longest)


async def _end(engine: Engine, container: Container) -> None:
    await making.stop(engine, identity(container), 1)
    await making.remove(engine, identity(container), volumes_of(container))
