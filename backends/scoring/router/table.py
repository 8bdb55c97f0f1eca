"""Which replicas get requests: one set that is replaced at once, and the set that is to follow."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from .upstream import Link, Upstream

POLL_SECONDS = 0.1
"""How often replicas that are not ready are asked."""
_PROBE = b"GET /readyz HTTP/1.1\r\nhost: router\r\nconnection: close\r\n\r\n"
_PROBE_SECONDS = 5.0
_SWEEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A set of replicas, all of one revision."""

    revision: int
    upstreams: tuple[str, ...]
    """`host:port` each."""

    @classmethod
    def parse(cls, data: object) -> "Plan":
        """Read one.

        Raises:
            ValueError: it is none.
        """
        if isinstance(data, dict):
            revision, upstreams = data.get("revision"), data.get("upstreams")
            if isinstance(revision, int) and isinstance(upstreams, list):
                for text in upstreams:
                    _address(text)
                return cls(revision=revision, upstreams=tuple(upstreams))
        raise ValueError("a set of upstreams has a `revision` and its `upstreams`")


class Table:
    """The replicas. `changed` is called after each change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.plan = Plan(revision=0, upstreams=())
        self.coming: Plan | None = None
        self._active: list[Upstream] = []
        self._retiring: list[Upstream] = []
        self._switch: asyncio.Task[None] | None = None
        self._probes: dict[Upstream, asyncio.Task[None]] = {}
        self._quiet = asyncio.Event()

    # Requests

    def order(self) -> list[Upstream]:
        """Replicas in the order in which a request should try them."""
        up = [upstream for upstream in self._active if not upstream.down]
        return sorted(up or self._active, key=_load)

    def kept(self) -> Link | None:
        """A kept connection of the replica with the fewest requests, if that has one."""
        active = self._active
        if len(active) == 1:
            return active[0].kept()
        best = self.order()
        return best[0].kept() if best else None

    def failed(self, upstream: Upstream) -> None:
        """It took no connection: ask until it is ready again."""
        if upstream not in self._probes and not upstream.retired:
            self._probes[upstream] = asyncio.create_task(self._recover(upstream))

    # Changes

    def use(self, plan: Plan, *, when_ready: bool = False) -> None:
        """Send new requests to these replicas, now or once all of them are ready."""
        if self._switch is not None:
            self._switch.cancel()
            self._switch = None
        if when_ready and plan.upstreams != self.plan.upstreams:
            self.coming = plan
            self._switch = asyncio.create_task(self._follow(plan))
        else:
            self._replace(plan)
        self._changed()

    async def drained(self, seconds: float) -> bool:
        """Wait until replicas that were taken out have answered all they had."""
        try:
            async with asyncio.timeout(seconds):
                while self.retiring:
                    self._quiet.clear()
                    await self._quiet.wait()
        except TimeoutError:
            return False
        return True

    @property
    def retiring(self) -> dict[str, int]:
        """Replicas that were taken out and still answer, with their number of requests."""
        return {str(u): u.inflight for u in self._retiring if u.inflight}

    @property
    def loads(self) -> dict[str, int]:
        """Replicas that get requests, with their number of requests now."""
        return {str(u): u.inflight for u in self._active}

    async def sweep(self) -> None:
        """Look after idle connections and replicas that were taken out, for ever."""
        while True:
            now = asyncio.get_running_loop().time()
            for upstream in self._active:
                upstream.sweep(now)
            await asyncio.sleep(_SWEEP_SECONDS)

    def released(self, upstream: Upstream) -> None:
        """A request of it is over."""
        if upstream.retired and not upstream.inflight:
            if upstream in self._retiring:
                self._retiring.remove(upstream)
            self._quiet.set()

    def _replace(self, plan: Plan) -> None:
        known = {str(upstream): upstream for upstream in self._active}
        before = self._active
        self._active = [known.get(text) or Upstream(*_address(text)) for text in plan.upstreams]
        self.plan, self.coming = plan, None
        for upstream in before:
            if upstream not in self._active:
                upstream.retire()
                if probe := self._probes.pop(upstream, None):
                    probe.cancel()
                if upstream.inflight:
                    self._retiring.append(upstream)

    async def _follow(self, plan: Plan) -> None:
        """Take the set once every replica of it is ready."""
        await asyncio.gather(*(_until_ready(*_address(text)) for text in plan.upstreams))
        self._switch = None
        self._replace(plan)
        self._changed()

    async def _recover(self, upstream: Upstream) -> None:
        await _until_ready(upstream.host, upstream.port)
        upstream.down = False
        self._probes.pop(upstream, None)


async def _until_ready(host: str, port: int) -> None:
    while not await ready(host, port):  # noqa: ASYNC110 - a state of another machine
        await asyncio.sleep(POLL_SECONDS)


async def ready(host: str, port: int) -> bool:
    """Whether a replica says that it takes requests."""
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_PROBE)
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return line.split(b" ")[1:2] == [b"200"]


def _load(upstream: Upstream) -> int:
    return upstream.inflight


def _address(text: object) -> tuple[str, int]:
    host, _, port = str(text).rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not host:port")
    return host.strip("[]"), int(port)
