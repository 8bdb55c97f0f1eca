"""Stop, start, scale and keys of a service: what is done to all of its containers."""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from backends.engines.engine import Engine
from backends.errors import Conflict
from backends.targets.drivers.docker import files, labels, making, routing
from backends.targets.drivers.docker.current import Group
from backends.targets.drivers.docker.finding import Container, identity, replica_of
from backends.targets.drivers.docker.keyfiles import get_keys, put_keys
from backends.targets.drivers.docker.observation import last_word
from backends.targets.drivers.docker.routing import Routes, upstream
from backends.targets.drivers.docker.shape import KEPT_RUNNING, PORT
from backends.targets.drivers.docker.state import serving_at_all
from backends.targets.drivers.docker.swapping import spec_file
from backends.targets.launches import grace
from backends.targets.records import Keys, ServiceSpec, ServiceState

_ENDING_SECONDS = 5.0
"""What a server needs beyond its grace to end by itself."""


async def stop(engine: Engine, known: Group, spec: ServiceSpec) -> None:
    """Answer what is there, then end all containers; they stay, with volumes, logs and port."""
    seconds = grace(spec) + _ENDING_SECONDS
    routers = (known.router,) if known.router is not None else ()
    for containers in (routers, known.servers):
        await asyncio.gather(*(_stop(engine, container, seconds) for container in containers))


async def start(engine: Engine, known: Group, spec: ServiceSpec) -> None:
    """Start what does not run; a container whose server failed is tried again.

    Raises:
        Conflict: the port was taken meanwhile.
    """
    servers = [*known.serving, *known.coming]
    await asyncio.gather(*(_start(engine, container, spec) for container in servers))
    if known.router is not None and not serving_at_all(known.router):
        await _run(engine, known.router, spec)
        await routing.await_router(engine, identity(known.router))


async def scale(engine: Engine, known: Group, spec: ServiceSpec, count: int) -> ServiceSpec:
    """Have so many replicas; the router takes new ones when they are ready.

    Raises:
        Conflict: another revision is being brought up, or there is no router.
    """
    if known.router is None or (known.coming and replica_count(known) != spec.replicas):
        raise Conflict(
            f"Service {spec.name} is being changed.", fix="Scale it when that has ended."
        )
    wanted = replace(spec, replicas=count)
    servers = sorted((*known.serving, *known.coming), key=replica_of)
    kept, numbers = servers[:count], _free(servers[:count], count)
    old = [upstream(container) for container in kept]
    new = [f"{labels.container_name(wanted, replica=number)}:{PORT}" for number in numbers]
    # The routes come first: whoever looks would take replicas that are in none for left over.
    routes = Routes(revision=spec.revision, upstreams=(*old, *new))
    await routing.use(engine, known.router, routes, when_ready=bool(new))
    try:
        await _make(engine, wanted, kept, numbers)
    except BaseException:
        before = Routes(revision=spec.revision, upstreams=tuple(old))
        await routing.use(engine, known.router, before, when_ready=False)
        raise
    for container in kept:
        await files.put(engine, identity(container), spec_file(wanted))
    return wanted


async def _make(
    engine: Engine, spec: ServiceSpec, kept: Sequence[Container], numbers: Sequence[int]
) -> None:
    """Start more replicas."""
    if not numbers:
        return
    image = await making.image_of(engine, spec)
    keys = await get_keys(engine, kept[0]) if spec.auth else None
    for number in numbers:
        new = await making.make_container(engine, spec, image, keys, replica=number)
        await making.start(engine, new.id, spec.name)


async def set_keys(engine: Engine, known: Group, keys: Keys) -> None:
    """Replace the key files; the servers read them again by themselves."""
    await asyncio.gather(*(put_keys(engine, container, keys) for container in known.servers))


def replica_count(known: Group) -> int:
    """Replicas that serve or will."""
    return len(known.serving) + len(known.coming)


def _free(kept: Sequence[Container], count: int) -> list[int]:
    taken = {replica_of(container) for container in kept}
    free = (number for number in range(1, 2 * count + 1) if number not in taken)
    return [number for number, _ in zip(free, range(count - len(kept)), strict=False)]


async def _stop(engine: Engine, container: Container, seconds: float) -> None:
    await making.set_restart_policy(engine, identity(container), "no")
    await making.stop(engine, identity(container), seconds)


async def _start(engine: Engine, container: Container, spec: ServiceSpec) -> None:
    if serving_at_all(container):
        told = await last_word(engine, container, spec.name)
        if told is None or told.state is not ServiceState.FAILED:
            return
        await making.stop(engine, identity(container), 1)
    await _run(engine, container, spec)


async def _run(engine: Engine, container: Container, spec: ServiceSpec) -> None:
    await making.set_restart_policy(engine, identity(container), KEPT_RUNNING)
    await making.start(engine, identity(container), spec.name)
