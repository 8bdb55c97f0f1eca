"""The router of a service: the container that owns its port and sends requests to the replicas.

A service of one replica has it, too: a port cannot go from one container to another without a
moment in which nobody has it, so the router must be there before the first change of environment.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.engines.engine import Engine
from backends.errors import Conflict, Unavailable
from backends.targets.drivers.docker import files, finding, inside, labels, making
from backends.targets.drivers.docker.finding import Container, identity
from backends.targets.drivers.docker.instances import look
from backends.targets.drivers.docker.shape import PORT, ROUTE, Place, router_body
from backends.targets.drivers.docker.state import serving_at_all
from backends.targets.records import ServiceSpec
from backends.targets.stamps import SECOND

_START_SECONDS, _START_PAUSE = 30.0, 0.05
"""Longest wait for a router that starts, and between two looks at it."""
_DRAIN_PIECE, _DRAIN_PAUSE = 1.0, 0.3
"""Seconds for which the router is asked at once, and between that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Where requests go."""

    revision: int
    upstreams: tuple[str, ...]
    """`container:port` each."""
    coming: "Routes | None" = None
    """What follows as soon as all of it is ready."""

    def to_json(self) -> str:
        """The router's file."""
        coming = self.coming and {
            "revision": self.coming.revision,
            "upstreams": self.coming.upstreams,
        }
        said = {"revision": self.revision, "upstreams": self.upstreams, "coming": coming}
        return json.dumps(said)

    def includes(self, container: Container) -> bool:
        """Requests go to this container."""
        return upstream(container) in self.upstreams


def upstream(container: Container) -> str:
    """How the router reaches a container: by name, since its address changes with each start."""
    return f"{finding.name_of(container)}:{PORT}"


def routes_to(revision: int, containers: Sequence[Container]) -> Routes:
    """Requests to these."""
    return Routes(revision=revision, upstreams=tuple(map(upstream, containers)))


async def routes_of(engine: Engine, router: Container) -> Routes | None:
    """Where requests go now; None when that cannot be told.

    Raises:
        PilothouseError: the engine could not be asked.
    """
    text = await files.get(engine, identity(router), files.ROUTES_FILE)
    try:
        data = json.loads(text or b"null")
        coming = _routes(data["coming"]) if data["coming"] else None
        found = _routes(data)
    except (ValueError, KeyError, TypeError):
        return None
    return Routes(revision=found.revision, upstreams=found.upstreams, coming=coming)


async def use(engine: Engine, router: Container, routes: Routes, *, when_ready: bool) -> None:
    """Have requests go elsewhere, now or as soon as all of it is ready.

    Raises:
        PilothouseError: the router or the engine refused.
    """
    if not serving_at_all(router):
        file = files.File(name=files.ROUTES_FILE, mode=0o600, data=routes.to_json().encode())
        await files.put(engine, identity(router), file)
        return
    request = {
        "op": "use",
        "revision": routes.revision,
        "upstreams": routes.upstreams,
        "when_ready": when_ready,
    }
    await _ask(engine, router, request, "switch the router")


async def await_router(engine: Engine, router: str) -> None:
    """Wait until a router that was started listens, in the life of its container that it has now.

    Raises:
        Unavailable: it does not.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        text = await files.get(engine, router, files.LISTENING_FILE)
        now = await look(engine, router)
        if now is None or not now.goes_on:
            break
        if text and float(text) * SECOND > now.finished:
            return
        await asyncio.sleep(_START_PAUSE)
    raise Unavailable(
        f"The router {router[:12]}, which is to own the service's port, does not start.",
        fix="Look at its log with `docker logs`, then deploy again.",
    )


async def drain(engine: Engine, router: Container, seconds: float) -> None:
    """Wait until replicas that get no more requests have answered those they had."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        # In short pieces: a call that waits keeps others from the engine.
        request = {"op": "drain", "seconds": min(left, _DRAIN_PIECE)}
        with contextlib.suppress(Conflict):
            await _ask(engine, router, request, "drain the old replicas")
            return
        await asyncio.sleep(_DRAIN_PAUSE)


async def make_router(
    engine: Engine,
    spec: ServiceSpec,
    image: Mapping[str, Any],
    places: AsyncIterator[Place],
    routes: Routes,
) -> making.Made:
    """Start a router at the first of the places that is free.

    Raises:
        Conflict: none of them is.
        PilothouseError: the engine refused it, and nothing of it is left.
    """
    problem: Conflict | None = None
    name = labels.container_name(spec, role=labels.ROUTER)
    inner = [
        files.File(name=f"{files.RUN}/", mode=0o700),
        files.File(name=files.ROUTES_FILE, mode=0o600, data=routes.to_json().encode()),
    ]
    async for place in places:
        volume = making.new_volume(name)
        body = router_body(spec, image, place, volume=volume)
        made = await making.make(engine, spec, name, body, volume, inner)
        try:
            if (problem := await _taken(engine, made.id, spec.name)) is None:
                await await_router(engine, made.id)
                return made
        except BaseException:
            await making.remove(engine, made.id, (made.volume,))
            raise
        await making.remove(engine, made.id, (made.volume,))
    raise problem or Conflict("No port of the engine's machine is free.")


async def _taken(engine: Engine, router: str, name: str) -> Conflict | None:
    """Start it; the error when another has its port."""
    try:
        await making.start(engine, router, name)
    except Conflict as error:
        return error
    return None


async def _ask(engine: Engine, router: Container, request: Mapping[str, object], what: str) -> None:
    await inside.run(engine, identity(router), [ROUTE, json.dumps(request)], what)


def _routes(data: Mapping[str, Any]) -> Routes:
    return Routes(revision=int(data["revision"]), upstreams=tuple(map(str, data["upstreams"])))
