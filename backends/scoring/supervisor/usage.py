"""What this process and its workers take from the machine, as the kernel tells it."""

import os
import resource
from collections.abc import Iterable
from pathlib import Path

PAGE = resource.getpagesize()


def usage(workers: Iterable[int]) -> dict[str, float]:
    """Gauges and counters by metric name; where the kernel does not tell, they are left out."""
    times = os.times()
    found = {"process_cpu_seconds_total": times.user + times.system}
    own = _resident(os.getpid())
    if own is not None:
        found["process_resident_memory_bytes"] = own
        sizes = [_resident(pid) for pid in workers]
        found["scoring_workers_resident_memory_bytes"] = float(sum(size or 0 for size in sizes))
    return found


def _resident(pid: int) -> float | None:
    """Bytes in memory: the second number of proc(5)'s statm, in pages."""
    try:
        return float(int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE)
    except (OSError, ValueError, IndexError):
        return None
