"""Services as processes of this machine: a supervisor each, found again from its run folder."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import ClassVar

from msgspec.structs import replace

from backends import paths
from backends.errors import InvalidInput, NotFound
from backends.targets import control, host, processes
from backends.targets.catalog import TargetRecord
from backends.targets.driver import Driver
from backends.targets.drivers.process import launching, ports, supervisor
from backends.targets.drivers.process.observation import observe
from backends.targets.drivers.process.room import check_room
from backends.targets.drivers.process.rundir import Address, Process, RunDir, rundirs
from backends.targets.records import (
    Capabilities,
    Endpoint,
    Gap,
    Keys,
    LogLine,
    LogQuery,
    Observed,
    Preflight,
    ServiceSpec,
    ServiceState,
    Status,
    StreamEnd,
    TargetInfo,
    Usage,
)
from backends.targets.streams import log_lines

_CLOSED = "the target was closed"
_DELETED = "the service was deleted"
_QUICK, _QUIET = 0.02, 0.25
_USAGE_SECONDS = 0.2


class ProcessDriver(Driver):
    """Runs each service under its own supervisor, which outlives the console."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        log_push=True,
        log_resume_exact=True,
        state_push=True,
        scale=True,
        stop=True,
        zero_loss_model_update=True,
        zero_loss_environment_update=True,
        rotate_keys_without_restart=True,
        capacity_known=True,
        usage=True,
    )

    def __init__(self, target: TargetRecord) -> None:
        self._target = target
        self._closed = False

    async def __aexit__(self, *exc: object) -> None:
        """End all streams; the services run on."""
        self._closed = True

    async def check(self) -> TargetInfo:
        """This machine and what it has."""
        import platform

        started = time.perf_counter()
        found = host.capacity()
        return TargetInfo(
            version=f"Python {platform.python_version()} on {platform.system()}",
            identity=socket.gethostname(),
            cpus=found.cpus,
            memory_gb=found.memory_bytes / host.GB,
            disk_free_gb=host.disk_free(paths.home()) / host.GB,
            gpus=found.gpus,
            latency_ms=(time.perf_counter() - started) * 1000,
        )

    async def preflight(self, spec: ServiceSpec) -> tuple[Preflight, ...]:
        """Processor, memory, GPU, port, disk and interpreter."""
        return await asyncio.to_thread(check_room, self._place(spec.name), spec)

    async def apply(self, spec: ServiceSpec, keys: Keys | None) -> None:
        """Start the service, or swap the revision of the one that runs.

        Raises:
            Conflict: the port is taken, or another console is changing the service.
        """
        place = self._place(spec.name)
        async with place.locked():
            running, before = supervisor.alive(place), place.address
            if keys is not None and keys != place.keys() and running:
                place.save_keys(keys)
            if running and place.spec() == spec:
                return
            address = self._address(place, spec)
            if not running:
                await supervisor.end(place, 0.0)
            if not running or address != before:
                ports.claim(address)
            launching.write(place, spec, address)
            if running and address == before and await launching.swap(place, spec.revision):
                place.save_spec(spec)
                place.stopped_file.unlink(missing_ok=True)
                return
            if running:
                await supervisor.end(place, launching.grace(spec))
            if keys is not None:
                place.save_keys(keys)
            place.save(address)
            place.save_spec(spec)
            launching.start(place, spec.revision)

    async def services(self) -> tuple[Observed, ...]:
        """Services with a run folder, and those that run although theirs was lost."""
        found = await asyncio.to_thread(self._services)
        return tuple(await asyncio.gather(*map(self._asked, found)))

    async def watch(self, name: str) -> AsyncGenerator[Status | StreamEnd, None]:
        """Status pushed by the supervisor; ours when it is gone.

        Raises:
            NotFound: there is no such service.
        """
        place = self._existing(name)
        last: Status | None = None
        delay = _QUICK
        while not self._closed and place.exists():
            async with contextlib.aclosing(self._observations(place)) as observations:
                async for status in observations:
                    if last is None or replace(status, at=last.at) != last:
                        delay, last = _QUICK, status
                        yield status
            starting = supervisor.alive(place) and not place.state_file.exists()
            delay = _QUICK if starting else min(delay * 1.3, _QUIET)
            await asyncio.sleep(delay)
        yield StreamEnd(_CLOSED if self._closed else _DELETED)

    async def logs(
        self, name: str, query: LogQuery
    ) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
        """Lines of the run folder's log; a follower ends with the supervisor.

        Raises:
            NotFound: there is no such service.
        """
        place = self._existing(name)
        before = process.log_before if (process := place.process) else ""
        found = log_lines(place.log_file, query, lambda: self._log_end(place), before=before)
        async with contextlib.aclosing(found) as lines:
            async for line in lines:
                yield line

    @contextlib.asynccontextmanager
    async def endpoint(self, name: str) -> AsyncGenerator[Endpoint, None]:
        """The service's own address.

        Raises:
            NotFound: there is no such service.
        """
        address = self._existing(name).address
        if address is None:
            raise NotFound(f"Service {name} has no address.", fix="Deploy it again.")
        yield Endpoint(url=address.url)

    async def keys(self, name: str) -> Keys:
        """Both keys of the service.

        Raises:
            NotFound: there is no such service, or it has no keys.
        """
        place = self._existing(name)
        found, spec = place.keys(), place.spec()
        if found is None or (spec and not spec.auth):
            raise NotFound(
                f"Service {name} has no keys: it answers without.",
                fix="Deploy it with key authentication (`authEnabled`).",
            )
        return found

    async def set_keys(self, name: str, keys: Keys) -> None:
        """Replace the keys; the server reads them again by itself."""
        place = self._existing(name)
        async with place.locked():
            place.save_keys(keys)

    async def stop(self, name: str) -> None:
        """Drain and end the supervisor; folder, address and log stay."""
        place = self._existing(name)
        async with place.locked():
            place.mark_stopped()
            await supervisor.end(place, launching.grace(place.spec()))

    async def start(self, name: str) -> None:
        """Start the revision that served last; one that failed is tried again.

        Raises:
            Conflict: its port was taken meanwhile.
        """
        place = self._existing(name)
        async with place.locked():
            address = place.address
            running = supervisor.alive(place)
            if address is None or (running and not await _failed(running, name)):
                return
            await supervisor.end(place, 0.0)
            ports.claim(address)
            launching.start(place, launching.served(place))

    async def scale(self, name: str, replicas: int) -> None:
        """Change the number of workers, now and for later starts."""
        place = self._existing(name)
        if replicas < 1:
            raise InvalidInput(
                f"Service {name} cannot have {replicas} replicas.", fix="Ask for 1 or more."
            )
        async with place.locked():
            spec = place.spec()
            if spec is None:
                raise NotFound(f"Service {name} has no description.", fix="Deploy it again.")
            changed = replace(spec, replicas=replicas)
            running = supervisor.alive(place)
            if running:
                await control.command(Path(running.socket), {"op": "workers", "count": replicas})
            if address := place.address:
                launching.write(place, changed, address)
            place.save_spec(changed)

    async def delete(self, name: str) -> None:
        """End the supervisor with all it started, then remove folder and socket."""
        place = self._place(name)
        async with place.locked():
            place.mark_stopped()
            await supervisor.end(place, 0.0)
            await asyncio.to_thread(place.remove)

    async def usage(self, name: str) -> Usage:
        """Processor (over a fifth of a second) and memory of the supervisor and its workers."""
        running = supervisor.alive(self._existing(name))
        pids = processes.tree(running.pid) if running else ()
        before = processes.processor_seconds(pids)
        started = time.perf_counter()
        if pids:
            await asyncio.sleep(_USAGE_SECONDS)
        used = max(0.0, processes.processor_seconds(pids) - before)
        elapsed = time.perf_counter() - started
        return Usage(
            at=time.time(),
            cpu_percent=100 * used / elapsed if pids else 0.0,
            memory_bytes=processes.resident_bytes(pids),
            processes=len(pids),
        )

    def _place(self, name: str) -> RunDir:
        return RunDir(self._target.workspace, name)

    def _existing(self, name: str) -> RunDir:
        place = self._place(name)
        if not place.exists():
            raise NotFound(
                f"There is no service '{name}' on {self._target.name}.",
                fix="`pilothouse service list` shows those that are there.",
            )
        return place

    def _address(self, place: RunDir, spec: ServiceSpec) -> Address:
        """The port that the spec names, else the one that the service has, else a free one."""
        before = place.address
        port = spec.port or (before.port if before else None)
        return Address(spec.host, port or ports.free_port(place, spec.host))

    def _services(self) -> tuple[Observed, ...]:
        found = [
            seen
            for place in rundirs(self._target.workspace)
            if (seen := observe(place, self._target.name)).spec.target == self._target.name
        ]
        known = {place.name for place in rundirs(self._target.workspace)}
        lost = supervisor.lost_services(self._target.workspace, paths.home())
        for name in sorted(lost.keys() - known):
            spec = ServiceSpec(
                workspace=self._target.workspace, name=name, revision=0, target=self._target.name
            )
            reason = f"it runs (pid {lost[name]}), but its folder is gone"
            status = Status(
                service=name, state=ServiceState.UNHEALTHY, reason=reason, at=time.time()
            )
            found.append(Observed(spec=spec, status=status))
        return tuple(found)

    async def _asked(self, seen: Observed) -> Observed:
        """With the supervisor's own word, which is ahead of its state file."""
        running = supervisor.alive(self._place(seen.spec.name))
        status = await control.status(Path(running.socket), seen.spec.name) if running else None
        return replace(seen, status=status) if status else seen

    async def _observations(self, place: RunDir) -> AsyncGenerator[Status, None]:
        """What can be known now, and then whatever the supervisor pushes while it lives."""
        running = supervisor.alive(place)
        if running is not None:
            with contextlib.suppress(OSError):
                stream = control.statuses(Path(running.socket), place.name)
                async with contextlib.aclosing(stream) as pushed:
                    async for status in pushed:
                        if status.state is not ServiceState.STOPPED:  # true once it is gone
                            yield status
                        if self._closed:
                            return
        if not place.being_changed() and place.exists():
            yield observe(place, self._target.name).status

    def _log_end(self, place: RunDir) -> str:
        if self._closed:
            return _CLOSED
        if not place.exists():
            return _DELETED
        if supervisor.alive(place) or place.being_changed():
            return ""
        return "the service was stopped" if place.stopped_file.exists() else "the service ended"


async def _failed(running: Process, name: str) -> bool:
    """Whether a scoring server that runs says that its service is Failed."""
    status = await control.status(Path(running.socket), name)
    return status is not None and status.state is ServiceState.FAILED
