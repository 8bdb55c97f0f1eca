"""How many threads a worker's native libraries should start, and the variables that tell them.

The rule: cores = the smaller of what affinity allows and what the control groups grant; each worker
gets `max(1, floor(cores / workers))`. The number is in PILOTHOUSE_THREADS; who sets that variable
decides it. OMP_NUM_THREADS and its kin get the same number only where nobody set them; one who set
OMP_NUM_THREADS meant the libraries that follow it too, so those are left alone then.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from .cgroups import HERE, Machine, folders

OURS = "PILOTHOUSE_THREADS"
LEADER = "OMP_NUM_THREADS"
FOLLOWERS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""Each falls back to OMP_NUM_THREADS when it is not set."""
ALONE = "VECLIB_MAXIMUM_THREADS"
"""Apple's Accelerate; it follows nothing."""


def thread_variables(given: Mapping[str, str], workers: int) -> dict[str, str]:
    """What to add to a worker's variables.

    Args:
        given: What the user and the machine set.
        workers: How many share the cores.
    """
    chosen = given.get(OURS, "")
    number = chosen if chosen.isdigit() and int(chosen) else str(worker_threads(workers))
    found = {OURS: number}
    names = (ALONE,) if LEADER in given else (LEADER, *FOLLOWERS, ALONE)
    found.update((name, number) for name in names if name not in given)
    return found


def worker_threads(workers: int) -> int:
    """One worker's share of the cores, at least one thread."""
    return max(1, int(cores() / max(1, workers)))


def cores(machine: Machine = HERE) -> float:
    """Cores that this process may use; a part of one where a control group grants no more."""
    return min([float(_affinity()), *_quotas(machine)])


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(machine: Machine) -> Iterator[float]:
    """The quota of our control group and of each above it, in cores."""
    for folder in folders("cpu", machine):
        for read in (_unified, _legacy):
            with contextlib.suppress(OSError, ValueError):
                yield from read(folder)


def _unified(folder: Path) -> Iterator[float]:
    """`cpu.max`: quota and period in microseconds, or `max`."""
    quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
    if quota != "max":
        yield int(quota) / int(period)


def _legacy(folder: Path) -> Iterator[float]:
    """Version 1: -1 is no limit."""
    quota = int((folder / "cpu.cfs_quota_us").read_text(encoding="ascii"))
    period = int((folder / "cpu.cfs_period_us").read_text(encoding="ascii"))
    if quota > 0:
        yield quota / period
