"""The services of one workspace: every verb that both front ends have."""

import asyncio
import getpass
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from backends.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    ServiceFailed,
    Unavailable,
    WaitTimeout,
)
from backends.registry.registry import Registry
from backends.services.environments import Environments
from backends.services.locks import operation
from backends.services.moving import Move
from backends.services.planning import Planner
from backends.services.records import (
    DeployRequest,
    Event,
    Plan,
    Revision,
    Service,
    StageTiming,
    Transition,
)
from backends.services.refreshing import Refresher
from backends.services.rollout import Rollout, new_key
from backends.services.store import Store
from backends.services.targets import Targets
from backends.targets.driver import Driver
from backends.targets.records import (
    Endpoint,
    Gap,
    Keys,
    LogLine,
    LogQuery,
    Replica,
    ServiceState,
    StreamEnd,
    Usage,
)
from backends.targets.terminal import ExecRequest, Terminal

RETRY_SECONDS = (0.5, 30.0)
"""First and longest pause before an unreachable target is asked again."""


class Services:
    """Plan, run, watch and end services. Blocking methods say so; the others are async."""

    def __init__(
        self,
        *,
        workspace: str,
        root: Path,
        registry: Registry,
        environments: Environments,
        targets: Targets,
        store: Store,
    ) -> None:
        self._workspace = workspace
        self._root = root
        self._registry = registry
        self._targets = targets
        self._store = store
        self._planner = Planner(workspace, registry, environments, targets, store)
        self._refresher = Refresher(registry, targets, store, root / "locks")

    async def plan(self, request: DeployRequest) -> Plan:
        """What a deployment would make; see `Planner.deploy`."""
        return await self._planner.deploy(request)

    async def plan_update(self, name: str, request: DeployRequest) -> Plan:
        """What an update would change; see `Planner.update`."""
        return await self._planner.update(name, request)

    async def plan_rollback(self, name: str, revision: int | None = None) -> Plan:
        """What a rollback would apply; see `Planner.rollback`."""
        return await self._planner.rollback(name, revision)

    async def run(
        self, plan: Plan, *, wait: bool = True, timeout: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """Carry a plan out; ends with `Finished` or `RunFailed`.

        Closing the generator ends what is being built, never what the target has accepted.

        Raises:
            Conflict: another operation on this service is in progress, or one has changed it
                since the plan was made.
        """
        with operation(self._root / "locks", plan.spec.name, plan.kind):
            await asyncio.to_thread(self._refuse_outdated, plan)
            rollout = Rollout(
                plan,
                store=self._store,
                registry=self._registry,
                driver=self._targets.open(plan.spec.target),
                folder=self._root / "services" / plan.spec.name,
                actor=_actor(),
            )
            events = rollout.events(wait=wait, timeout=timeout)
            before = await asyncio.to_thread(self._store.find, plan.spec.name)
            if before and before.target != plan.spec.target and self._store.applied(before.name):
                move = Move(
                    before,
                    old=self._targets.open(before.target),
                    new=self._targets.open(plan.spec.target),
                    store=self._store,
                    registry=self._registry,
                )
                events = move.events(events)
            try:
                async for event in events:
                    yield event
            finally:
                await events.aclose()

    def list(self) -> tuple[Service, ...]:
        """All services as last seen (blocking, asks no target)."""
        return self._store.services()

    def find(self, name: str) -> Service:
        """One service as last seen (blocking, asks no target).

        Raises:
            NotFound: the workspace has no such service.
        """
        return self._store.service(name)

    async def refresh(self) -> tuple[Service, ...]:
        """Ask every target for its services, store what they say, return all."""
        names = [target.name for target in await asyncio.to_thread(self._targets.list)]
        await asyncio.gather(*map(self._refresher.ask, names))
        return await asyncio.to_thread(self._store.services)

    async def show(self, name: str) -> Service:
        """One service, its state asked of its target now; the last known when that fails."""
        await self.refresh()
        return await asyncio.to_thread(self._store.service, name)

    async def watch(self, name: str, *, stored_first: bool = True) -> AsyncGenerator[Service, None]:
        """The service at once and at each change; ends when it is deleted.

        The first item is what is stored, unless `stored_first` is False. An unreachable target
        yields the last known state marked unreachable, and is asked again until it answers.
        """
        pause = RETRY_SECONDS[0]
        while (service := await asyncio.to_thread(self._store.find, name)) is not None:
            if stored_first or not service.reachable:
                yield service
            statuses = self._driver(service).watch(name)
            try:
                async for status in statuses:
                    if isinstance(status, StreamEnd):
                        return
                    pause = RETRY_SECONDS[0]
                    await asyncio.to_thread(self._store.observe, status)
                    yield await asyncio.to_thread(self._store.service, name)
            except NotFound:
                if await asyncio.to_thread(self._store.applied, name):
                    return
                stored_first, pause = True, RETRY_SECONDS[0]  # it has yet to reach its target
            except Unavailable:
                await asyncio.to_thread(self._store.unreachable, name)
            finally:
                await statuses.aclose()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_SECONDS[1])

    async def wait(self, name: str, timeout: float | None = None) -> Service:
        """Wait until the state is final (or Unschedulable) and nothing is rolling out.

        Raises:
            WaitTimeout: it was not within `timeout` seconds.
            ServiceFailed: the service was deleted meanwhile.
        """
        await asyncio.to_thread(self._store.service, name)
        changes = self.watch(name, stored_first=False)
        try:
            async with asyncio.timeout(timeout):
                async for service in changes:
                    ended = service.state.final or service.state is ServiceState.UNSCHEDULABLE
                    if ended and service.rolling_out is None:
                        return service
        except TimeoutError:
            last = await asyncio.to_thread(self._store.service, name)
            raise WaitTimeout(
                f"Service '{name}' is still {last.state} after {timeout:g} s: {last.reason}",
                fix="It goes on; wait again, or look at its log with get-logs.",
            ) from None
        finally:
            await changes.aclose()
        raise ServiceFailed(f"Service '{name}' was deleted.")

    async def stop(self, name: str) -> None:
        """Stop answering; record, spec, revisions and address stay."""
        await self._act(name, "stop", "stopped by request")

    async def start(self, name: str) -> None:
        """Bring a stopped service back at its revision."""
        await self._act(name, "start", "started by request")

    async def scale(self, name: str, replicas: int) -> None:
        """Change the number of replicas.

        Raises:
            InvalidInput: `replicas` is not positive.
        """
        if replicas < 1:
            raise InvalidInput(f"{replicas} replicas: at least 1 is needed.", fix="Use stop.")
        service = await asyncio.to_thread(self._store.service, name)
        with operation(self._root / "locks", name, "scale"):
            await self._driver(service).scale(name, replicas)
            await asyncio.to_thread(self._scaled, service, replicas)

    async def delete(self, name: str) -> None:
        """Remove the service from its target and from the workspace.

        Raises:
            NotFound: the workspace has no such service.
            Unavailable: its target does not answer, so nothing was removed.
        """
        service = await asyncio.to_thread(self._store.service, name)
        with operation(self._root / "locks", name, "delete"):
            await self._driver(service).delete(name)
            await asyncio.to_thread(self._forget, service)

    async def keys(self, name: str) -> Keys:
        """Both keys.

        Raises:
            InvalidInput: the service wants no key.
        """
        service = await asyncio.to_thread(self._store.service, name)
        if not service.spec.auth:
            raise InvalidInput(
                f"Service '{name}' wants no key (authEnabled is false).",
                fix=f"`pilothouse service update -n {name} --auth-enabled true` turns keys on.",
            )
        return await self._driver(service).keys(name)

    async def regenerate_key(self, name: str, which: str, value: str | None = None) -> Keys:
        """Replace the `primary` or `secondary` key by a new one, or by `value`.

        Raises:
            InvalidInput: `which` is neither, the service wants no key, or `value` cannot be sent.
        """
        if which.lower() not in {"primary", "secondary"}:
            raise InvalidInput(f"'{which}' is no key.", fix="Say Primary or Secondary.")
        if value is not None and not re.fullmatch("[!-~]+", value):
            raise InvalidInput(
                "That cannot be a key: it must be printable ASCII without spaces.",
                fix="Leave the value out for a random one.",
            )
        service = await asyncio.to_thread(self._store.service, name)
        with operation(self._root / "locks", name, "regen-key"):
            old = await self.keys(name)
            keys = replace(old, **{which.lower(): value or new_key()})
            await self._driver(service).set_keys(name, keys)
            self._record(service, "keys", f"{which.lower()} key replaced")
        return keys

    async def logs(
        self, name: str, query: LogQuery
    ) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
        """Lines of a service's log in order; the last item is a `StreamEnd`."""
        service = await asyncio.to_thread(self._store.service, name)
        lines = self._driver(service).logs(name, query)
        try:
            async for item in lines:
                yield item
        finally:
            await lines.aclose()

    @asynccontextmanager
    async def endpoint(self, name: str) -> AsyncGenerator[Endpoint, None]:
        """A way to call a service from here, open as long as the context is."""
        service = await asyncio.to_thread(self._store.service, name)
        async with self._driver(service).endpoint(name) as endpoint:
            yield endpoint

    async def usage(self, name: str) -> Usage:
        """Processor and memory that the service uses now."""
        service = await asyncio.to_thread(self._store.service, name)
        return await self._driver(service).usage(name)

    async def replicas(self, name: str) -> tuple[Replica, ...]:
        """Its running instances; none where its target has no more than the service."""
        service = await asyncio.to_thread(self._store.service, name)
        return await self._driver(service).replicas(name)

    @asynccontextmanager
    async def exec(self, name: str, request: ExecRequest) -> AsyncGenerator[Terminal, None]:
        """Run a program beside the service, in a terminal; it is hung up with the context."""
        service = await asyncio.to_thread(self._store.service, name)
        async with self._driver(service).exec(name, request) as terminal:
            yield terminal

    def timeline(self, name: str) -> tuple[Transition, ...]:
        """Everything that happened to a service, newest first (blocking)."""
        return self._store.transitions(name)

    def stages(self, name: str) -> tuple[StageTiming, ...]:
        """How long each stage of each rollout took, newest first (blocking)."""
        return self._store.stages(name)

    def revisions(self, name: str) -> tuple[Revision, ...]:
        """Revisions of a service, newest first (blocking)."""
        return self._store.revisions(name)

    def activity(self, limit: int = 500) -> tuple[Transition, ...]:
        """What happened in the workspace, newest first (blocking)."""
        return self._store.transitions(limit=limit)

    def stamp(self) -> int:
        """A number that is another one after anything happened to any service (blocking)."""
        return self._store.stamp()

    def _refuse_outdated(self, plan: Plan) -> None:
        if self._planner.next_revision(plan.spec.name) != plan.spec.revision:
            raise Conflict(
                f"Service '{plan.spec.name}' was changed since this was planned.",
                fix="Look at it as it is now, then plan again.",
            )

    def _driver(self, service: Service) -> Driver:
        return self._targets.open(service.target)

    async def _act(self, name: str, verb: str, reason: str) -> None:
        service = await asyncio.to_thread(self._store.service, name)
        with operation(self._root / "locks", name, verb):
            driver = self._driver(service)
            await (driver.stop(name) if verb == "stop" else driver.start(name))
            await asyncio.to_thread(self._record, service, verb, reason)

    def _record(self, service: Service, kind: str, reason: str) -> None:
        self._store.record(
            Transition(
                service=service.name,
                at=time.time(),
                kind=kind,
                state=service.state,
                reason=reason,
                revision=service.serving or service.spec.revision,
                actor=_actor(),
            )
        )

    def _scaled(self, service: Service, replicas: int) -> None:
        """The revision keeps it, so that the next update does not take it back."""
        self._record(service, "scale", f"{replicas} replicas")
        for revision in self._store.revisions(service.name):
            if revision.number == service.spec.revision:
                said = revision.deployment
                changed = replace(
                    revision,
                    spec=replace(revision.spec, replicas=replicas),
                    deployment=replace(said, replicas=replicas) if said else None,
                )
                self._store.put_revision(changed, service.compute_type)
                self._store.mark_applied(changed.spec, service.compute_type)

    def _forget(self, service: Service) -> None:
        self._record(service, "delete", "deleted by request")
        self._registry.release(service.name)
        self._store.forget(service.name)


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
