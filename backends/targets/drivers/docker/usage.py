"""What a container uses: two samples of `GET /containers/{id}/stats?stream=0&one-shot=1`."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backends.engines.engine import Engine
from backends.targets.records import Usage
from backends.targets.stamps import stamp_ns

_APART_SECONDS = 0.25


async def usage_of(engine: Engine, servers: Sequence[str], others: Sequence[str] = ()) -> Usage:
    """Processor over a quarter of a second, memory without what the kernel only caches.

    Args:
        engine: Where they run.
        servers: Containers whose network and limits count as well.
        others: Those that only use processor and memory.

    Raises:
        PilothouseError: the engine could not be asked.
    """
    before = await _samples(engine, (*servers, *others))
    if before:
        await asyncio.sleep(_APART_SECONDS)
    after = await _samples(engine, before.keys())
    elapsed = {name: _read_at(after[name]) - _read_at(before[name]) for name in after}
    used = {name: _processor(after[name]) - _processor(before[name]) for name in after}
    shares = [max(0.0, used[name] / elapsed[name]) for name in after if elapsed[name] > 0]
    serving = [after[name] for name in servers if name in after]
    return Usage(
        at=time.time(),
        cpu_percent=100 * sum(shares),
        memory_bytes=sum(map(_memory, after.values())),
        processes=sum(map(_processes, after.values())),
        memory_limit_bytes=sum(map(_limit, serving)),
        received_bytes=sum(_network(sample, "rx_bytes") for sample in serving),
        sent_bytes=sum(_network(sample, "tx_bytes") for sample in serving),
    )


async def _samples(engine: Engine, containers: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Of those that run: one that does not has no time of reading."""
    names = list(containers)
    found = await asyncio.gather(*(_sample(engine, name) for name in names))
    return {n: sample for n, sample in zip(names, found, strict=True) if _read_at(sample) > 0}


async def _sample(engine: Engine, container: str) -> Mapping[str, Any]:
    found: dict[str, Any] = await engine.call(
        f"measure the container {container[:12]}",
        lambda client: client.stats(container, stream=False, one_shot=True),
    )
    return found


def _read_at(sample: Mapping[str, Any]) -> int:
    return stamp_ns(str(sample.get("read") or "").encode())


def _processor(sample: Mapping[str, Any]) -> int:
    """Nanoseconds."""
    return int(((sample.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage") or 0)


def _memory(sample: Mapping[str, Any]) -> int:
    memory = sample.get("memory_stats") or {}
    details = memory.get("stats") or {}
    cached = details.get("inactive_file", details.get("total_inactive_file", 0))
    return max(0, int(memory.get("usage") or 0) - int(cached or 0))


def _processes(sample: Mapping[str, Any]) -> int:
    return int((sample.get("pids_stats") or {}).get("current") or 0)


def _limit(sample: Mapping[str, Any]) -> int:
    """Without one of its own the engine tells the machine's memory, which is a limit as well."""
    return int((sample.get("memory_stats") or {}).get("limit") or 0)


def _network(sample: Mapping[str, Any], direction: str) -> int:
    """Bytes over all of its networks."""
    networks: Mapping[str, Mapping[str, Any]] = sample.get("networks") or {}
    return sum(int(network.get(direction) or 0) for network in networks.values())
