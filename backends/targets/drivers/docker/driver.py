"""Services as containers of a Docker engine, found again by their labels alone.

A service is a network with a container a replica and a router container that owns the port. Each
has a volume with its launch file, keys, control socket and last status; a server is asked by
running `pilothouse-control` in its container, so no state is published to the network.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, ClassVar

from backends.engines.addresses import resolve
from backends.engines.engine import Engine
from backends.engines.records import Delivery
from backends.errors import InvalidInput, NotFound, PilothouseError, Unavailable
from backends.targets.catalog import TargetRecord
from backends.targets.driver import Driver
from backends.targets.drivers.docker import changing, finding, labels, making, ports, room, ways
from backends.targets.drivers.docker.applying import Applying
from backends.targets.drivers.docker.current import Group, current_spec, group
from backends.targets.drivers.docker.events import hints
from backends.targets.drivers.docker.keyfiles import get_keys
from backends.targets.drivers.docker.logs import service_log
from backends.targets.drivers.docker.observation import observe, replicas_of
from backends.targets.drivers.docker.reaching import reach
from backends.targets.drivers.docker.shape import place_of
from backends.targets.drivers.docker.state import judge
from backends.targets.drivers.docker.terminal import container_for, terminal
from backends.targets.drivers.docker.tidying import finish
from backends.targets.drivers.docker.usage import usage_of
from backends.targets.drivers.docker.watching import CLOSED, DELETED, Watch, missing
from backends.targets.records import (
    Capabilities,
    Endpoint,
    Gap,
    Keys,
    LogLine,
    LogQuery,
    Observed,
    Preflight,
    Replica,
    ServiceSpec,
    ServiceState,
    Status,
    StreamEnd,
    TargetInfo,
    Usage,
)
from backends.targets.terminal import ExecRequest, Terminal
from backends.targets.ways import Way

_GB = 1_000_000_000


class DockerDriver(Driver):
    """Runs each service as a container of its own."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        log_push=True,
        log_resume_exact=True,
        state_push=True,
        exec=True,
        tunnel=True,
        scale=True,
        stop=True,
        zero_loss_model_update=True,
        zero_loss_environment_update=True,
        rotate_keys_without_restart=True,
        gpu=True,
        capacity_known=True,
        usage=True,
        images=True,
    )

    @classmethod
    def ways(cls) -> tuple[Way, ...]:
        """The roads to an engine."""
        return ways.ways()

    @classmethod
    def check_settings(cls, settings: Mapping[str, str]) -> None:
        """See whether they can name an engine."""
        ways.check(settings)

    def __init__(self, target: TargetRecord) -> None:
        self._target = target
        self._closed = False
        self._opened: Engine | None = None
        self._finishing: set[asyncio.Task[None]] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._applying: set[str] = set()
        """Services that may have no container for a moment."""

    async def __aexit__(self, *exc: object) -> None:
        """End all streams; the services run on."""
        self._closed = True
        for task in self._finishing:
            task.cancel()
        await asyncio.gather(*self._finishing, return_exceptions=True)
        if self._opened is not None:
            await self._opened.aclose()

    @property
    def engine(self) -> Engine:
        """The engine, not yet connected.

        Raises:
            PilothouseError: the target's settings name none that may be used.
        """
        if self._opened is None:
            self._opened = Engine(resolve(self._target.settings))
        return self._opened

    async def check(self) -> TargetInfo:
        """The engine and its machine."""
        found = await self.engine.info()
        return TargetInfo(
            version=f"Docker {found.version} (API {self.engine.api})",
            identity=found.name or self.engine.address.url,
            cpus=found.cpus,
            memory_gb=found.memory_bytes / _GB,
            gpus=int(found.gpu),
            latency_ms=found.latency_ms,
        )

    async def delivery(self) -> Delivery:
        """Images are built on the engine that runs them."""
        return Delivery(engine=self.engine.address)

    async def preflight(self, spec: ServiceSpec) -> tuple[Preflight, ...]:
        """Processor, memory, GPU, port and architecture."""
        labels.group_name(spec.workspace, spec.name)
        image: Mapping[str, Any] = {}
        if spec.image:
            with contextlib.suppress(NotFound):
                image = await making.image_of(self.engine, spec)
        found = room.Room(
            engine=await self.engine.info(),
            containers=await finding.containers(self.engine, self._target.workspace),
            ports=await ports.holders(self.engine),
            near=self._near,
        )
        return await asyncio.to_thread(room.check_room, spec, found, image)

    async def apply(self, spec: ServiceSpec, keys: Keys | None) -> None:
        """Start the service's containers, or bring another revision up in or beside those there.

        Raises:
            InvalidInput: the name cannot be one of a container, or there is no image.
            Conflict: the port is taken.
            Unschedulable: the engine has no room.
        """
        labels.group_name(spec.workspace, spec.name)
        async with self._locks[spec.name]:
            self._applying.add(spec.name)
            try:
                await Applying(self.engine, spec, keys, near=self._near).run()
            finally:
                self._applying.discard(spec.name)
        self._finish(spec.name)

    async def services(self) -> tuple[Observed, ...]:
        """Every service of the workspace, from the containers' labels."""
        found = await finding.containers(self.engine, self._target.workspace)
        seen = await asyncio.gather(
            *(
                observe(self.engine, self._target.name, containers)
                for _, containers in sorted(finding.by_service(found).items())
            )
        )
        return tuple(one for one in seen if one is not None)

    async def watch(self, name: str) -> AsyncGenerator[Status | StreamEnd, None]:
        """Status told by the server, and the engine's view of its container.

        Raises:
            NotFound: there is no such service.
        """
        watch = Watch(
            self.engine,
            self._target.workspace,
            name,
            target=self._target.name,
            closed=lambda: self._closed,
            busy=lambda: name in self._applying,
        )
        async with contextlib.aclosing(watch.statuses()) as statuses:
            async for status in statuses:
                yield status

    async def logs(
        self, name: str, query: LogQuery
    ) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
        """Lines of all that its containers wrote; a follower ends with the service.

        Raises:
            NotFound: there is no such service.
        """
        await self._group(name)

        async def find() -> Sequence[finding.Container]:
            found = await finding.containers(self.engine, self._target.workspace, name)
            return finding.servers(found)

        changes = hints(self.engine, labels.filters(self._target.workspace, name)["label"])
        found = service_log(self.engine, query, find, changes, lambda c: self._log_end(name, c))
        async with contextlib.aclosing(found) as lines:
            try:
                async for line in lines:
                    yield line
            except Unavailable:
                if not self._closed:
                    raise
                yield StreamEnd(CLOSED)

    @contextlib.asynccontextmanager
    async def endpoint(self, name: str) -> AsyncGenerator[Endpoint, None]:
        """The published port, or a tunnel to it where the engine is behind ssh.

        Raises:
            NotFound: there is no such service, or it is not published.
            Unavailable: it is published on the far machine's own address only.
        """
        router = (await self._group(name)).router
        place = place_of(router) if router is not None else None
        if place is None:
            raise NotFound(f"Service {name} has no address.", fix="Deploy it again.")
        async with reach(self.engine, name, place) as endpoint:
            yield endpoint

    async def keys(self, name: str) -> Keys:
        """Both keys of the service.

        Raises:
            NotFound: there is no such service, or it has no keys.
        """
        known, spec = await self._known(name)
        found = await get_keys(self.engine, known.servers[0]) if spec.auth else None
        if found is None:
            raise NotFound(
                f"Service {name} has no keys: it answers without.",
                fix="Deploy it with key authentication (`authEnabled`).",
            )
        return found

    async def set_keys(self, name: str, keys: Keys) -> None:
        """Replace the key files at once; the servers read them again by themselves."""
        async with self._locks[name]:
            await changing.set_keys(self.engine, await self._group(name), keys)

    async def stop(self, name: str) -> None:
        """Answer what is there, then end the containers; they stay, with volumes, logs and port."""
        async with self._locks[name]:
            await changing.stop(self.engine, *await self._known(name))

    async def start(self, name: str) -> None:
        """Start the containers again; one whose server failed is tried again.

        Raises:
            Conflict: its port was taken meanwhile.
        """
        async with self._locks[name]:
            await changing.start(self.engine, *await self._known(name))

    async def scale(self, name: str, replicas: int) -> None:
        """Add containers behind the router, or take some away when their requests are answered."""
        if replicas < 1:
            raise InvalidInput(
                f"Service {name} cannot have {replicas} replicas.", fix="Ask for 1 or more."
            )
        async with self._locks[name]:
            self._applying.add(name)
            try:
                await changing.scale(self.engine, *await self._known(name), replicas)
            finally:
                self._applying.discard(name)
        self._finish(name)

    async def delete(self, name: str) -> None:
        """Remove containers, volumes and network of the service."""
        async with self._locks[name]:
            workspace = self._target.workspace
            found = await finding.containers(self.engine, workspace, name)
            await making.remove_all(self.engine, workspace, name, found)

    async def usage(self, name: str) -> Usage:
        """Processor and memory of all its containers, network of those that answer."""
        known = await self._group(name)
        router = known.router
        return await usage_of(
            self.engine,
            [finding.identity(container) for container in known.servers],
            [finding.identity(router)] if router is not None else [],
        )

    async def replicas(self, name: str) -> tuple[Replica, ...]:
        """Its containers but the router.

        Raises:
            NotFound: there is no such service.
        """
        return await replicas_of(self.engine, *await self._known(name))

    @contextlib.asynccontextmanager
    async def exec(self, name: str, request: ExecRequest) -> AsyncGenerator[Terminal, None]:
        """A shell, or a program that is named, in one of its containers.

        Raises:
            NotFound: there is no such service or replica.
            Conflict: none of its containers runs.
            Unsupported: the image has no shell.
        """
        container = container_for((await self._group(name)).servers, request, name)
        async with terminal(self.engine, container, request) as opened:
            yield opened

    @property
    def _near(self) -> bool:
        """The engine's machine is this one."""
        return self.engine.address.scheme == "unix"

    def _log_end(self, name: str, found: Sequence[finding.Container]) -> str:
        """Why nothing will be written any more; empty while something may."""
        if self._closed:
            return CLOSED
        if name in self._applying:
            return ""
        container = finding.newest(found)
        if container is None:
            return DELETED
        judged = judge(container)
        if judged.state is ServiceState.STOPPED:
            return "the service was stopped"
        return judged.reason if judged.ended else ""

    def _finish(self, name: str) -> None:
        """Go on with what takes its time; whoever looks later does it if this console ends."""
        task = asyncio.create_task(finish(self.engine, self._target.workspace, name))
        self._finishing.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._finishing.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, PilothouseError):
            raise error

    async def _group(self, name: str) -> Group:
        """Its containers.

        Raises:
            NotFound: there are none.
        """
        found = await finding.containers(self.engine, self._target.workspace, name)
        known = await group(self.engine, found)
        if known.newest is None:
            raise missing(name, self._target.name)
        return known

    async def _known(self, name: str) -> tuple[Group, ServiceSpec]:
        """Its containers, and what was applied last.

        Raises:
            NotFound: there are none.
        """
        known = await self._group(name)
        assert known.newest is not None
        return known, await current_spec(self.engine, known.newest, self._target.name)
