"""What the targets say of their services, brought together with what is stored."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from backends.errors import PilothouseError
from backends.registry.registry import Registry
from backends.services.carried import hold
from backends.services.locks import held
from backends.services.records import Service
from backends.services.store import Store
from backends.services.targets import Targets
from backends.targets.records import Evidence, Observed, ServiceState, Status

ANSWER_SECONDS = 10.0
"""Longest wait for one target to list its services."""


class Refresher:
    """Asks targets; one for each workspace."""

    def __init__(self, registry: Registry, targets: Targets, store: Store, locks: Path) -> None:
        self._registry = registry
        self._targets = targets
        self._store = store
        self._locks = locks

    async def ask(self, target: str) -> None:
        """Ask one target for its services and store the answer, or that none came."""
        before = await asyncio.to_thread(self._known, target)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await self._targets.open(target).services()
        except (PilothouseError, TimeoutError):
            found = None
        await asyncio.to_thread(self._merge, target, found, before)

    def _known(self, target: str) -> dict[str, Service]:
        return {s.name: s for s in self._store.services() if s.target == target}

    def _merge(
        self, target: str, found: tuple[Observed, ...] | None, before: Mapping[str, Service]
    ) -> None:
        """Store what a target says; None is no answer.

        A service that was known `before` it was asked and is not now was deleted meanwhile.
        """
        known = self._known(target)
        if found is None:
            for name in known:
                self._store.unreachable(name)
            return
        for observed in found:
            if observed.spec.name not in known:
                if observed.spec.name in before or self._elsewhere(observed.spec.name):
                    continue
                self._adopt(observed, target)
            self._store.observe(observed.status, observed.url)
        present = {observed.spec.name for observed in found}
        for name, service in known.items():
            unchanged = name in before and before[name].updated == service.updated
            if name in present or not unchanged or held(self._locks, name):
                continue
            if self._store.applied(name):
                self._store.observe(_gone(service, f"it is no longer on its target {target}"))
            elif service.state is ServiceState.TRANSITIONING and service.rolling_out is None:
                reason = f"its deployment was broken off before it reached {target}"
                self._store.observe(_gone(service, reason))

    def _elsewhere(self, name: str) -> bool:
        """It is on its way to another target, or there already."""
        return held(self._locks, name) or self._store.find(name) is not None

    def _adopt(self, observed: Observed, target: str) -> None:
        spec = observed.spec
        self._store.adopt(spec, self._targets.get(target).kind)
        hold(self._registry, spec.name, spec.models)


def _gone(service: Service, reason: str) -> Status:
    return Status(
        service=service.name,
        state=ServiceState.FAILED,
        reason=reason,
        at=time.time(),
        wanted=service.wanted,
        evidence=Evidence(stage="target", event="not among the target's services"),
    )
