"""The log of one container: read once from its beginning to its end, across cuts and restarts.

An answer that ends says only "look at the container": it was cut, restarted, stopped or removed.
Reading goes on from the cursor until the container is over, whatever happens to the connection.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from backends.engines.engine import Engine
from backends.errors import NotFound, Unavailable
from backends.targets.backoff import Backoff
from backends.targets.cursor import Cursor
from backends.targets.drivers.docker.entries import Entries, Entry, since_text
from backends.targets.drivers.docker.frames import BrokenFrame
from backends.targets.drivers.docker.instances import Instance, look
from backends.targets.drivers.docker.patience import Patience
from backends.targets.merging import Stamped
from backends.targets.numbering import Numbering
from backends.targets.records import Gap, LogLine, Stream
from backends.targets.stamps import SECOND
from backends.targets.streams import server_line

QUIET_SECONDS = 200.0
"""A follower that heard nothing for so long is opened anew: its connection may be half open."""
_BEFORE_TAIL = 64
"""Lines read before a tail: they tell where it begins when outputs are out of order."""
_RESTART_SECONDS = 0.1

Items = AsyncGenerator[Stamped[LogLine | Gap], None]


class ContainerLog:
    """Reads a container's log; what was given is not given again.

    Args:
        engine: Where it runs.
        instance: The container.
        replica: Its lines' replica.
        since: Where to begin, nanoseconds since the epoch.
        whole: The first line should be the first of a process life.
    """

    def __init__(
        self, engine: Engine, instance: Instance, replica: str, *, since: int, whole: bool
    ) -> None:
        self.instance = instance
        self._engine = engine
        self._replica = replica
        self._cursor = Cursor(since)
        self._numbering = Numbering(whole=whole)
        self._backoff = Backoff()
        self._asked_again: tuple[str, int] | None = None

    async def backlog(self, *, until: int | None = None) -> Items:
        """What the engine has kept so far; later reading goes on after it.

        Raises:
            PilothouseError: the engine does not answer, or not to the end.
        """
        patience = Patience()
        while True:
            try:
                async with aclosing(self._read(follow=False, until=until)) as items:
                    async for item in items:
                        yield item
            except Unavailable as error:
                await patience.wait(error)
            else:
                return

    async def tail(self, wanted: int) -> Items:
        """The last so many lines of what is there."""
        asked = wanted + _BEFORE_TAIL
        while True:
            lines, complete = await self._last(asked)
            if complete or len(lines) > wanted:
                break
            asked *= 2
        shown = lines[max(0, len(lines) - wanted) :]
        if lines:
            self._cursor = Cursor((shown or lines[-1:])[0].stamp)
        for entry in lines:
            self._cursor.admits(entry.stamp, (entry.stream, entry.text))
        for entry in shown:
            for item in self._told(entry, _line(entry, self._replica)):
                yield item

    async def _last(self, asked: int) -> tuple[list[Entry], bool]:
        """The lines of the last so many pieces, and whether there are no older ones."""
        patience = Patience()
        while True:
            entries = Entries(terminal=self.instance.terminal)
            pieces = self._pieces(follow=False, since=self._cursor.reopen(), tail=asked)
            try:
                async with aclosing(pieces):
                    lines = [entry async for data in pieces for entry in entries.feed(data)]
            except Unavailable as error:
                await patience.wait(error)
            else:
                lines += [] if self.instance.goes_on else entries.end()
                return lines, entries.pieces < asked

    async def follow(self) -> Items:
        """What comes from now on; ends when the container is over and all was read."""
        over = False
        while not self._engine.closed:
            try:
                async with aclosing(self._read(follow=not over)) as items:
                    async for item in items:
                        yield item
            except NotFound:
                return
            except (Unavailable, BrokenFrame):
                await asyncio.sleep(self._backoff.pause())
            else:
                if over:
                    return
            over = await self._over()

    async def _over(self) -> bool:
        """Ask until the engine answers whether the container will write no more."""
        while not self._engine.closed:
            try:
                seen = await look(self._engine, self.instance.id)
            except Unavailable:
                await asyncio.sleep(self._backoff.pause())
                continue
            if seen is None:
                return True
            self.instance = seen
            if seen.status != "restarting":
                return not seen.goes_on
            await asyncio.sleep(_RESTART_SECONDS)
        return True

    async def _read(self, *, follow: bool, until: int | None = None) -> Items:
        """One answer of the engine."""
        entries = Entries(terminal=self.instance.terminal)
        pieces = self._pieces(follow=follow, since=self._cursor.reopen(), until=until)
        async with aclosing(pieces):
            async for data in pieces:
                for entry in entries.feed(data):
                    line = _line(entry, self._replica)
                    if follow and self._jumps(line):
                        return  # engines before 23 lose lines of a follower when they rotate
                    for item in self._new(entry, line):
                        yield item
        if not follow and not self.instance.goes_on:
            for entry in entries.end():
                for item in self._new(entry, _line(entry, self._replica)):
                    yield item

    async def _pieces(
        self, *, follow: bool, since: int, until: int | None = None, tail: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        params: dict[str, str | int] = {"stdout": 1, "stderr": 1, "timestamps": 1}
        params["follow"] = int(follow)
        if since:
            params["since"] = since_text(since)
        if until is not None:
            params["until"] = since_text(until)
        if tail is not None:
            params["tail"] = tail
        found = self._engine.stream(
            f"read the log of {self.instance.name}",
            "GET",
            f"/containers/{self.instance.id}/logs",
            params=params,
            quiet_seconds=QUIET_SECONDS,
        )
        async with aclosing(found) as pieces:
            self._backoff.began()
            async for data in pieces:
                yield data

    def _jumps(self, line: LogLine) -> bool:
        """Numbers are missing before it, and the engine was not asked for them yet."""
        if not self._numbering.missing(line):
            return False
        place = (line.boot, line.sequence)
        if self._asked_again == place:
            return False
        self._asked_again = place
        return True

    def _new(self, entry: Entry, line: LogLine) -> Iterator[Stamped[LogLine | Gap]]:
        if self._cursor.admits(entry.stamp, (entry.stream, entry.text)):
            yield from self._told(entry, line)

    def _told(self, entry: Entry, line: LogLine) -> Iterator[Stamped[LogLine | Gap]]:
        if self._numbering.repeated(line):
            return
        if gap := self._numbering.take(line, lost=self._cursor.lost):
            yield Stamped(entry.stamp, entry.stream, gap)
        yield Stamped(entry.stamp, entry.stream, line)


def _line(entry: Entry, replica: str) -> LogLine:
    """As the scoring server wrote it, or as anything else did."""
    known = server_line(entry.text, replica) if entry.text.startswith(b"{") else None
    return known or LogLine(
        time=entry.stamp / SECOND,
        sequence=0,
        boot="",
        replica=replica,
        stream=entry.stream,
        level="WARNING" if entry.stream is Stream.STDERR else "INFO",
        text=entry.text.decode("utf-8", errors="replace"),
    )
