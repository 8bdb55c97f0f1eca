"""The log of one pod, read once from its beginning to its end, across cuts and restarts.

The API server takes `sinceTime` in whole seconds, so reading goes on some time before the newest
line, and what was read already is left out. Kubernetes keeps a container's log and the one before.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from backends.errors import InvalidInput, NotFound, Unavailable
from backends.targets.backoff import Backoff
from backends.targets.cursor import Cursor
from backends.targets.drivers.kubernetes import names
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.failures import Cut
from backends.targets.drivers.kubernetes.finding import PODS
from backends.targets.drivers.kubernetes.watching import lines
from backends.targets.merging import Stamped
from backends.targets.numbering import Numbering
from backends.targets.records import Gap, LogLine, Stream
from backends.targets.stamps import SECOND, split_stamp, stamp_ns
from backends.targets.streams import server_line

QUIET_SECONDS = 200.0
"""A follower that heard nothing for so long is opened anew."""
_LOOK_SECONDS = 0.5
_FAILURES, _CUTS = 5, 20
"""Times in a row that what is there already may not be reached, or be cut without news."""

Items = AsyncGenerator[Stamped[LogLine | Gap], None]


class PodLog:
    """Reads a pod's log; what was given is not given again."""

    def __init__(self, api: Api, pod: Mapping[str, Any], *, since: int, whole: bool) -> None:
        """`since` is in nanoseconds since the epoch; `whole`: a first line is to be the first."""
        self.name = str(pod["metadata"]["name"])
        self.uid = str(pod["metadata"]["uid"])
        self._namespace = str(pod["metadata"]["namespace"])
        self._api = api
        self._cursor = Cursor(since)
        self._begins = since
        self._numbering = Numbering(whole=whole)
        self._backoff = Backoff(first=0.1, most=5.0)
        self._life = _life(pod)

    async def kept(self, *, previous: bool = False) -> Items:
        """What there is of this life, or of the one before; later reading goes on after it."""
        failed = 0
        while True:
            try:
                async with aclosing(self._read(follow=False, previous=previous)) as items:
                    async for item in items:
                        failed = 0
                        yield item
            except (NotFound, InvalidInput):
                return  # there is no such life, or the container has not begun
            except Unavailable as error:
                failed += 1
                most = _CUTS if isinstance(error, Cut) else _FAILURES
                if failed > most or self._api.closed:
                    raise
                await asyncio.sleep(self._backoff.pause())
            else:
                return

    async def follow(self) -> Items:
        """What comes from now on; ends when the pod is gone and all was read."""
        while not self._api.closed:
            try:
                async with aclosing(self._read(follow=True, previous=False)) as items:
                    async for item in items:
                        yield item
            except InvalidInput:  # the container waits for its start
                await asyncio.sleep(_LOOK_SECONDS)
            except NotFound:
                return
            except (Cut, Unavailable):
                await asyncio.sleep(self._backoff.pause())
                continue
            life = await self._look()
            if life is None:
                return
            if life != self._life:
                self._life = life
                async with aclosing(self.kept(previous=True)) as items:
                    async for item in items:
                        yield item
            else:
                await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> int | None:
        """The container's life now; None when the pod is gone or ended for ever."""
        while not self._api.closed:
            try:
                path = f"{PODS.format(self._namespace)}/{self.name}"
                pod = await self._api.get("look at a pod", path)
            except NotFound:
                return None
            except Unavailable:
                await asyncio.sleep(self._backoff.pause())
                continue
            other = pod["metadata"]["uid"] != self.uid
            ended = pod["status"].get("phase") in {"Succeeded", "Failed"}
            return None if other or ended else _life(pod)
        return None

    async def _read(self, *, follow: bool, previous: bool) -> Items:
        query: dict[str, str | int] = {"container": names.CONTAINER, "timestamps": "true"}
        query["follow"] = "true" if follow else "false"
        query["previous"] = "true" if previous else "false"
        self._begins = since = self._cursor.reopen()
        if since:
            moment = datetime.fromtimestamp(since // SECOND, UTC)
            query["sinceTime"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"{PODS.format(self._namespace)}/{self.name}/log"
        stream = self._api.stream(
            f"read the log of {self.name}", path, query, quiet_seconds=QUIET_SECONDS
        )
        self._backoff.began()
        async with aclosing(lines(stream)) as found:
            async for raw in found:
                for item in self._new(raw):
                    yield item

    def _new(self, raw: bytes) -> Iterator[Stamped[LogLine | Gap]]:
        prefix, text = split_stamp(raw)
        stamp = stamp_ns(prefix)
        if stamp < self._begins or not self._cursor.admits(stamp, text):
            return
        line = _line(stamp, text, self.name)
        if self._numbering.repeated(line):
            return
        if gap := self._numbering.take(line, lost=self._cursor.lost):
            yield Stamped(stamp, line.stream, gap)
        yield Stamped(stamp, line.stream, line)


def _line(stamp: int, text: bytes, replica: str) -> LogLine:
    known = server_line(text, replica) if text.startswith(b"{") else None
    return known or LogLine(
        time=stamp / SECOND,
        sequence=0,
        boot="",
        replica=replica,
        stream=Stream.STDOUT,
        level="INFO",
        text=text.decode("utf-8", errors="replace"),
    )


def _life(pod: Mapping[str, Any]) -> int:
    statuses = pod["status"].get("containerStatuses") or ()
    return sum(int(one.get("restartCount") or 0) for one in statuses)
