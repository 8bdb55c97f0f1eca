"""The log of a service: the logs of its pods, merged by time, as they come and go."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from backends.targets.drivers.kubernetes import finding, names
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.podlogs import Items, PodLog
from backends.targets.drivers.kubernetes.watching import Kind, changes
from backends.targets.merging import Merger, Stamped
from backends.targets.records import Gap, LogLine, LogQuery, StreamEnd
from backends.targets.stamps import SECOND

CLOSED = "the target was closed"
DELETED = "the service was deleted"
_NOTHING: tuple[Stamped[LogLine | Gap], ...] = ()


class ServiceLog:
    """One reading of a service's log."""

    def __init__(
        self, api: Api, namespace: str, workspace: str, name: str, query: LogQuery
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._workspace = workspace
        self._name = name
        self._query = query
        self._pods: dict[str, PodLog] = {}
        self._reason = CLOSED

    async def lines(self) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
        """Lines in order; the last item says why it ended."""
        query = self._query
        for pod in await finding.pods(self._api, self._namespace, self._workspace, self._name):
            self._log(pod)
        async with aclosing(self._kept()) as kept:
            async for item in kept:
                yield item
        if query.previous or not query.follow:
            yield StreamEnd("the end of the log")
            return
        async with aclosing(self._coming()) as coming:
            async for item in coming:
                if self._wanted(item):
                    yield item
        yield StreamEnd(self._reason)

    async def _kept(self) -> AsyncGenerator[LogLine | Gap, None]:
        last: deque[LogLine | Gap] = deque(maxlen=self._query.tail)
        async with Merger[LogLine | Gap](endless=False) as merger:
            for log in self._pods.values():
                merger.add(log.kept(previous=self._query.previous))
            async with aclosing(merger.merged()) as items:
                async for item in items:
                    if not self._wanted(item):
                        continue
                    if self._query.tail is None:
                        yield item
                    last.append(item)
        if self._query.tail is not None:
            for item in last:
                yield item

    async def _coming(self) -> AsyncGenerator[LogLine | Gap, None]:
        async with Merger[LogLine | Gap](endless=True) as merger:
            for log in self._pods.values():
                merger.add(log.follow())
            merger.add(self._newcomers(merger), awaited=False)
            async with aclosing(merger.merged()) as items:
                async for item in items:
                    yield item

    async def _newcomers(self, merger: Merger[LogLine | Gap]) -> Items:
        """No lines: has pods read that come, until the service is deleted."""
        watching = asyncio.create_task(self._watch_pods(merger))
        try:
            await self._gone()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        for item in _NOTHING:
            yield item

    async def _watch_pods(self, merger: Merger[LogLine | Gap]) -> None:
        query = {"labelSelector": names.selector(self._workspace, self._name)}
        path = finding.PODS.format(self._namespace)
        async with aclosing(changes(self._api, "watch pods", path, query, patient=True)) as found:
            async for change in found:
                if change.kind is Kind.DELETED:
                    continue
                for pod in change.objects:
                    if str(pod["metadata"]["uid"]) not in self._pods:
                        merger.add(self._log(pod).follow())

    async def _gone(self) -> None:
        """Until the service's Deployment is deleted."""
        query = {"labelSelector": names.selector(self._workspace, self._name)}
        path = finding.DEPLOYMENTS.format(self._namespace)
        async with aclosing(changes(self._api, "watch", path, query, patient=True)) as found:
            async for change in found:
                empty = change.kind is Kind.LISTED and not change.objects
                if empty or change.kind is Kind.DELETED:
                    self._reason = DELETED
                    return

    def _log(self, pod: Mapping[str, Any]) -> PodLog:
        asked = int(self._query.since * SECOND) if self._query.since is not None else 0
        whole = self._query.since is None and self._query.tail is None
        log = PodLog(self._api, pod, since=asked, whole=whole and not self._query.previous)
        self._pods[log.uid] = log
        return log

    def _wanted(self, item: LogLine | Gap) -> bool:
        since = self._query.since
        return isinstance(item, Gap) or since is None or item.time >= since
