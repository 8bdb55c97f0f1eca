"""Brings a service to a revision so that requests never stop being answered.

Another model or script is swapped inside the containers that run. Anything else gets containers of
its own beside the old ones; the router switches to them by itself once all of them are ready, and
what they replaced is removed when its last request is answered.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence

from backends.engines.engine import Engine
from backends.targets.drivers.docker import finding, labels, making, ports, routing, swapping
from backends.targets.drivers.docker.current import current_spec
from backends.targets.drivers.docker.finding import Container, identity, volumes_of
from backends.targets.drivers.docker.keyfiles import put_keys
from backends.targets.drivers.docker.routing import Routes
from backends.targets.drivers.docker.shape import KEPT_RUNNING, PORT, Place, place_of
from backends.targets.drivers.docker.state import serving_at_all
from backends.targets.records import Keys, ServiceSpec


class Applying:
    """One `apply`.

    Args:
        engine: Where to.
        spec: The revision.
        keys: None keeps those that are there.
        near: The engine's machine is this one.
    """

    def __init__(self, engine: Engine, spec: ServiceSpec, keys: Keys | None, *, near: bool) -> None:
        self._engine = engine
        self._spec = spec
        self._keys = keys
        self._near = near
        self._made: list[making.Made] = []

    async def run(self) -> None:
        """Do it; applying the same again changes nothing but keys."""
        found = await finding.containers(self._engine, self._spec.workspace, self._spec.name)
        ours = finding.servers(found)
        router = finding.router_of(found)
        newest = finding.newest(ours)
        before = None
        if newest is not None:
            before = await current_spec(self._engine, newest, self._spec.target)
        if before == self._spec and await self._is_there(ours, router):
            return
        routes = await routing.routes_of(self._engine, router) if router is not None else None
        settled = routes is not None and routes.coming is None and all(map(routes.includes, ours))
        running = bool(ours) and all(map(serving_at_all, ours))
        if before and settled and running and swapping.can_swap(before, self._spec):
            await swapping.swap(self._engine, ours, self._spec, self._keys)
        else:
            await self._beside(ours, router, routes)

    async def _is_there(self, ours: Sequence[Container], router: Container | None) -> bool:
        """Containers of this very spec run, or start again when told to."""
        living = {"running", "restarting", "exited", "paused"}
        states = {(c.get("State") or {}).get("Status") for c in ours}
        if router is None or not states <= living:
            return False
        if self._keys is not None:
            for container in ours:
                await put_keys(self._engine, container, self._keys)
        return states <= {"running", "restarting"}

    async def _beside(
        self, ours: Sequence[Container], router: Container | None, routes: Routes | None
    ) -> None:
        """New containers; the old run on until the router has switched."""
        await making.make_network(self._engine, self._spec)
        serving = [c for c in ours if routes is None or routes.includes(c)]
        for container in ours:
            if container not in serving:
                await making.remove(self._engine, identity(container), volumes_of(container))
        await self._free_names(serving)
        try:
            if router is None:
                await _all(self._bring_up(), self._new_router(None, self._routes()))
            else:
                await self._bring_up()
                await self._route(router, serving, self._routes())
        except BaseException:
            for one in self._made:
                await making.remove(self._engine, one.id, (one.volume,))
            raise

    async def _bring_up(self) -> None:
        """Make and start the replicas."""
        image = await making.image_of(self._engine, self._spec)
        for replica in range(1, self._spec.replicas + 1):
            made = await making.make_container(
                self._engine, self._spec, image, self._keys, replica=replica
            )
            self._made.append(made)
            await making.start(self._engine, made.id, self._spec.name)

    def _routes(self) -> Routes:
        numbers = range(1, self._spec.replicas + 1)
        names = (labels.container_name(self._spec, replica=number) for number in numbers)
        upstreams = tuple(f"{name}:{PORT}" for name in names)
        return Routes(revision=self._spec.revision, upstreams=upstreams)

    async def _free_names(self, ours: Sequence[Container]) -> None:
        """Old containers may have the names that this revision's are to have."""
        stem = labels.container_name(self._spec).removesuffix(".1")
        for container in ours:
            name = finding.name_of(container)
            if name.startswith(f"{stem}."):
                await making.rename(self._engine, identity(container), f"{name}.old")

    async def _route(self, router: Container, serving: Sequence[Container], wanted: Routes) -> None:
        """Have the router take the new containers, as soon as they are ready where others serve."""
        if not self._stays(router):
            await self._new_router(router, wanted)
            return
        waits = any(map(serving_at_all, serving))
        await routing.use(self._engine, router, wanted, when_ready=waits)
        if not serving_at_all(router):
            await making.set_restart_policy(self._engine, identity(router), KEPT_RUNNING)
            await making.start(self._engine, identity(router), self._spec.name)
            await routing.await_router(self._engine, identity(router))

    def _stays(self, router: Container) -> bool:
        """The address is the one that is asked for."""
        place = place_of(router)
        spec = self._spec
        return place is not None and place == Place(host=spec.host, port=spec.port or place.port)

    async def _new_router(self, old: Container | None, wanted: Routes) -> None:
        """At another address, or the first one; the old one goes on if that fails."""
        image = await making.image_of(self._engine, self._spec)
        name = labels.container_name(self._spec, role=labels.ROUTER)
        if old is not None:
            await making.rename(self._engine, identity(old), f"{name}.old")
            await making.stop(self._engine, identity(old), 5)
        try:
            made = await routing.make_router(
                self._engine, self._spec, image, self._places(old), wanted
            )
        except BaseException:
            if old is not None:
                await making.rename(self._engine, identity(old), name)
                await making.start(self._engine, identity(old), self._spec.name)
            raise
        self._made.append(made)
        if old is not None:
            await making.remove(self._engine, identity(old), volumes_of(old))

    async def _places(self, router: Container | None) -> AsyncGenerator[Place, None]:
        """The port that the spec names, else the one that the service has, else free ones."""
        spec = self._spec
        before = place_of(router) if router is not None else None
        if port := spec.port or (before.port if before else None):
            yield Place(host=spec.host, port=port)
            return
        taken = await ports.holders(self._engine)
        name = labels.group_name(spec.workspace, spec.name)
        free = ports.candidates(name, spec.host, taken, near=self._near)
        for _, port in zip(range(ports.TRIES), free, strict=False):
            yield Place(host=spec.host, port=port)


async def _all(*work: Coroutine[None, None, None]) -> None:
    """All of it at once, to the end of each; then the first error."""
    ended = await asyncio.gather(*work, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
