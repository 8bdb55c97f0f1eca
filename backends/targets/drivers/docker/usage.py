"""What a container uses: two samples of `GET /containers/{id}/stats?stream=0&one-shot=1`."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from backends.engines.engine import Engine
from backends.targets.drivers.docker.entries import stamp_ns
from backends.targets.records import Usage

_APART_SECONDS = 0.25


async def usage_of(engine: Engine, container: str) -> Usage:
    """Processor over a quarter of a second, memory without what the kernel only caches.

    Raises:
        PilothouseError: the engine could not be asked.
    """
    before = await _sample(engine, container)
    if _read_at(before) <= 0:  # a container that does not run has no time of reading
        return Usage(at=time.time(), cpu_percent=0.0, memory_bytes=0, processes=0)
    await asyncio.sleep(_APART_SECONDS)
    after = await _sample(engine, container)
    elapsed = _read_at(after) - _read_at(before)
    used = _processor(after) - _processor(before)
    return Usage(
        at=time.time(),
        cpu_percent=max(0.0, 100 * used / elapsed) if elapsed > 0 else 0.0,
        memory_bytes=_memory(after),
        processes=int((after.get("pids_stats") or {}).get("current") or 0),
    )


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
