"""The engine's events as hints that something changed: what it is, is found out by looking.

The engine keeps its last 256 events, so a stream that was cut goes on from the last one's time,
and whoever listens looks again after every join.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from backends.engines.engine import Engine, EngineCut
from backends.errors import PilothouseError
from backends.targets.backoff import Backoff
from backends.targets.drivers.docker.entries import since_text
from backends.targets.stamps import stamp_ns

ACTIONS = (
    "create",
    "start",
    "die",
    "kill",
    "oom",
    "stop",
    "restart",
    "pause",
    "unpause",
    "destroy",
    "rename",
    "update",
    "health_status",
)
"""Without a choice, each health check would be three events more."""
_QUIET_SECONDS = 200.0
_LONGEST = 1 << 20


async def hints(engine: Engine, labels: Sequence[str]) -> AsyncGenerator[None, None]:
    """Something at once, at each change of containers with these labels, and after each join.

    An engine that cannot be reached is tried again and again; ends when it is closed.
    """
    backoff = Backoff()
    last = 0
    while not engine.closed:
        try:
            last = last or await _clock(engine)
            yield None
            async with aclosing(_events(engine, labels, last)) as events:
                backoff.began()
                async for at in events:
                    last = max(last, at)
                    yield None
        except EngineCut:
            pass
        except PilothouseError:
            yield None  # looking tells why
        await asyncio.sleep(backoff.pause())


async def _clock(engine: Engine) -> int:
    """The engine's time, nanoseconds since the epoch: its clock need not be ours."""
    info = await engine.call("tell its time", lambda client: client.info())
    return stamp_ns(str(info.get("SystemTime") or "").encode("ascii", "replace"))


async def _events(engine: Engine, labels: Sequence[str], since: int) -> AsyncGenerator[int, None]:
    """Times of events in nanoseconds, several that came together as one."""
    filters = {"type": ["container"], "label": list(labels), "event": list(ACTIONS)}
    found = engine.stream(
        "follow its events",
        "GET",
        "/events",
        params={"filters": json.dumps(filters), "since": since_text(since)},
        quiet_seconds=_QUIET_SECONDS,
    )
    rest = b""
    async with aclosing(found) as pieces:
        async for data in pieces:
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > _LONGEST:
                raise EngineCut("Docker could not follow its events: a line without an end.")
            if lines:
                yield max(map(_time, lines))


def _time(line: bytes) -> int:
    try:
        return int(json.loads(line)["timeNano"])
    except (ValueError, KeyError, TypeError):
        return 0
