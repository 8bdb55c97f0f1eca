"""Brings a service to a revision: the new container is whole before the old one is stopped."""

import contextlib
from collections.abc import AsyncGenerator, Sequence

from backends.engines.engine import Engine
from backends.errors import Conflict, PilothouseError
from backends.targets.drivers.docker import finding, labels, making, ports
from backends.targets.drivers.docker.finding import Container, identity, volumes_of
from backends.targets.drivers.docker.keyfiles import put_keys
from backends.targets.drivers.docker.launching import grace
from backends.targets.drivers.docker.shape import Place, place_of
from backends.targets.drivers.docker.state import serving_at_all
from backends.targets.records import Keys, ServiceSpec

_DRAIN_SECONDS = 5.0
"""What a server needs beyond its grace to end by itself."""


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

    async def run(self) -> None:
        """Do it; applying the same again changes nothing but keys."""
        spec = self._spec
        found = await finding.containers(self._engine, spec.workspace, spec.name)
        ours = finding.by_service(found).get(spec.name, [])
        if await self._is_there(ours):
            return
        await making.make_network(self._engine, spec)
        await self._free_name(ours)
        await self._replace(ours)
        for container in ours:
            await making.remove(self._engine, identity(container), volumes_of(container))

    async def _is_there(self, ours: Sequence[Container]) -> bool:
        """A container of this very spec runs, or starts again when told to."""
        for container in ours:
            status = (container.get("State") or {}).get("Status")
            if labels.labelled_spec(container) != self._spec or status in {"created", "dead"}:
                continue
            if self._keys is not None:
                await put_keys(self._engine, container, self._keys)
            if serving_at_all(container) or status == "restarting":
                return True
        return False

    async def _free_name(self, ours: Sequence[Container]) -> None:
        """Another container may have the name that this revision's is to have."""
        name = labels.container_name(self._spec)
        for container in ours:
            if str(container.get("Name") or "").lstrip("/") == name:
                await making.rename(self._engine, identity(container), f"{name}.old")

    async def _replace(self, ours: Sequence[Container]) -> None:
        """A new container that runs in the place of the old; the old runs on when that fails."""
        image = await making.image_of(self._engine, self._spec)
        problem: PilothouseError | None = None
        async for place in self._places(ours):
            new = await making.make_container(self._engine, self._spec, image, place, self._keys)
            try:
                async with self._out_of_the_way(ours):
                    await making.start(self._engine, new.id, self._spec.name)
            except Conflict as error:
                problem = error
                await making.remove(self._engine, new.id, (new.volume,))
                continue
            except BaseException:
                await making.remove(self._engine, new.id, (new.volume,))
                raise
            return
        raise problem or Conflict("No port of the engine's machine is free.")

    async def _places(self, ours: Sequence[Container]) -> AsyncGenerator[Place, None]:
        """The port that the spec names, else the one that the service has, else free ones."""
        spec = self._spec
        if spec.port:
            yield Place(host=spec.host, port=spec.port)
            return
        before = finding.newest(ours)
        if before is not None and (place := place_of(before)) is not None:
            yield Place(host=spec.host, port=place.port)
            return
        taken = await ports.holders(self._engine)
        name = labels.group_name(spec.workspace, spec.name)
        free = ports.candidates(name, spec.host, taken, near=self._near)
        for _, port in zip(range(ports.TRIES), free, strict=False):
            yield Place(host=spec.host, port=port)

    @contextlib.asynccontextmanager
    async def _out_of_the_way(self, ours: Sequence[Container]) -> AsyncGenerator[None, None]:
        """The old containers are stopped; they are started again if what follows fails."""
        ran = [container for container in ours if serving_at_all(container)]
        for container in ran:
            seconds = grace(self._spec) + _DRAIN_SECONDS
            await making.stop(self._engine, identity(container), seconds)
        try:
            yield
        except BaseException:
            for container in ran:
                await making.start(self._engine, identity(container), self._spec.name)
            raise
