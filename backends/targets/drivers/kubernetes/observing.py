"""A service's status as it changes, from watches of its Deployment, its pods and their events."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from msgspec.structs import replace

from backends.errors import PilothouseError, Unauthorized
from backends.targets.drivers.kubernetes import finding, names
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.lastwords import with_last_lines
from backends.targets.drivers.kubernetes.state import Snapshot, status_of
from backends.targets.drivers.kubernetes.watching import Change, Kind, changes
from backends.targets.records import Status, StreamEnd

CLOSED = "the target was closed"
DELETED = "the service was deleted"
_SETTLE = 0.05
"""Seconds in which changes that belong together arrive."""
_AGE_SECONDS = 10.0
"""How often it is judged anew without a change: some reasons come with time alone."""

Object = Mapping[str, Any]


class Table:
    """Objects by uid, kept true by changes."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.listed = False

    def take(self, change: Change) -> None:
        """Apply one change."""
        if change.kind is Kind.LISTED:
            self.objects = {_uid(found): found for found in change.objects}
            self.listed = True
            return
        (found,) = change.objects
        if change.kind is Kind.DELETED:
            self.objects.pop(_uid(found), None)
        else:
            self.objects[_uid(found)] = found


class Observation:
    """One watch of one service.

    Args:
        api: The cluster.
        namespace: Of the service.
        workspace: Of the service.
        name: Of the service.
        target: Name of the target that asks.
    """

    def __init__(self, api: Api, namespace: str, workspace: str, name: str, target: str) -> None:
        self._api = api
        self._namespace = namespace
        self._workspace = workspace
        self._name = name
        self._target = target
        self._news = asyncio.Event()
        self._deployments, self._pods, self._events = Table(), Table(), Table()
        self._failure: PilothouseError | None = None

    async def statuses(self) -> AsyncGenerator[Status | StreamEnd, None]:
        """At once and at each change; the last item says why it ended.

        Raises:
            NotFound: there is no such service.
            PilothouseError: the cluster cannot be asked.
        """
        tasks = [asyncio.create_task(self._keep(*one)) for one in self._sources()]
        last: Status | None = None
        try:
            while True:
                await self._changed()
                if self._api.closed:
                    yield StreamEnd(CLOSED)
                    return
                if self._failure is not None:
                    raise self._failure
                if not (self._deployments.listed and self._pods.listed and self._events.listed):
                    continue
                if not self._deployments.objects:
                    if last is None:
                        raise finding.missing(self._name, self._target)
                    yield StreamEnd(DELETED)
                    return
                status = await self._status(last)
                if last is None or replace(status, at=last.at) != last:
                    last = status
                    yield status
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _sources(self) -> list[tuple[Table, str, str, dict[str, str], Callable[[Object], bool]]]:
        ours = {"labelSelector": names.selector(self._workspace, self._name)}
        about = {"fieldSelector": "involvedObject.kind=Pod"}
        place = self._namespace
        return [
            (self._deployments, "watch", finding.DEPLOYMENTS.format(place), ours, _any),
            (self._pods, "watch pods", finding.PODS.format(place), ours, _any),
            (self._events, "watch events", finding.EVENTS.format(place), about, self._about_us),
        ]

    async def _keep(
        self,
        table: Table,
        what: str,
        path: str,
        query: Mapping[str, str],
        wanted: Callable[[Object], bool],
    ) -> None:
        """Keep a table true, for ever."""
        try:
            async with aclosing(changes(self._api, what, path, query)) as found:
                async for change in found:
                    objects = tuple(filter(wanted, change.objects))
                    if objects or change.kind is Kind.LISTED:
                        table.take(Change(change.kind, objects))
                        self._news.set()
        except Unauthorized as error:
            if table is not self._events:
                self._failure = error
            table.listed = True
        except PilothouseError as error:
            self._failure = error
        self._news.set()

    async def _changed(self) -> None:
        try:
            async with asyncio.timeout(_AGE_SECONDS):
                await self._news.wait()
                await asyncio.sleep(_SETTLE)
        except TimeoutError:
            pass
        self._news.clear()

    async def _status(self, last: Status | None) -> Status:
        (deployment, *_) = self._deployments.objects.values()
        snapshot = Snapshot(
            deployment=deployment,
            pods=tuple(self._pods.objects.values()),
            events=finding.by_pod(tuple(self._events.objects.values()), self._name),
        )
        status = status_of(snapshot, time.time())
        if last is not None and last.reason == status.reason and last.state is status.state:
            kept = replace(status.evidence, last_lines=last.evidence.last_lines)
            return replace(status, evidence=kept)
        return await with_last_lines(self._api, snapshot, status)

    def _about_us(self, event: Object) -> bool:
        about = event.get("involvedObject") or {}
        return str(about.get("name") or "").startswith(f"{self._name}-")


def _any(_found: Object) -> bool:
    return True


def _uid(found: Object) -> str:
    return str(found["metadata"]["uid"])
