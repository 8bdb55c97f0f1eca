"""A service that moves to another target: it serves on the old one until it does on the new."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from backends.errors import PilothouseError
from backends.registry.registry import Registry
from backends.services.carried import hold
from backends.services.records import Event, Finished, RunFailed, Service, Stage, StageOutput
from backends.services.store import Store
from backends.targets.driver import Driver

_TOUCHES_TARGET = {Stage.APPLY, Stage.START}


class Move:
    """What happens around a rollout whose service runs on another target so far."""

    def __init__(
        self, before: Service, *, old: Driver, new: Driver, store: Store, registry: Registry
    ) -> None:
        self._before = before
        self._old = old
        self._new = new
        self._store = store
        self._registry = registry

    async def events(self, rollout: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """The rollout's events; before the last one the target that lost is cleared.

        A rollout that fails leaves the service where and as it was.
        """
        async with aclosing(rollout):
            async for event in rollout:
                if isinstance(event, Finished):
                    async for note in self._cleared(self._old, self._before.target):
                        yield note
                    yield event
                elif isinstance(event, RunFailed) and event.stage in _TOUCHES_TARGET:
                    async for note in self._cleared(self._new, "the new target"):
                        yield note
                    await asyncio.to_thread(self._return)
                    yield replace(event, service=self._store.find(self._before.name))
                else:
                    yield event

    async def _cleared(self, driver: Driver, where: str) -> AsyncGenerator[Event, None]:
        try:
            await driver.delete(self._before.name)
        except PilothouseError as error:
            line = f"{self._before.name} could not be removed from {where}: {error.what}"
            yield StageOutput(stage=Stage.START, line=line)

    def _return(self) -> None:
        before = self._before
        self._store.mark_applied(before.spec, before.compute_type)
        self._store.restore(before)
        hold(self._registry, before.name, before.spec.models)
