"""One run of wrk against one server, and the processor time that the server took for it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from .ours import KEY
from .script import BODY

LUA = f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {KEY}"
wrk.body = [==[{BODY}]==]
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("@ %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Requests per second; microseconds for everything else."""

    rate: float
    half: float
    late: float
    front: float
    """Processor time a request of the first process."""
    workers: float
    """The same of the processes below it."""
    memory: int
    """Resident bytes of the first process."""
    failed: int


def check() -> None:
    """End with a clear message when `wrk` is missing."""
    if shutil.which("wrk") is None:
        sys.exit("This benchmark needs wrk: apt-get install wrk (or your system's package of it).")


def run(url: str, top: psutil.Process, folder: Path, connections: int, seconds: float) -> Run:
    """Load a server for some seconds."""
    lua = folder / "post.lua"
    lua.write_text(LUA, encoding="utf-8")
    family = [top, *top.children(recursive=True)]
    before = [sum(process.cpu_times()[:2]) for process in family]
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(lua), f"{url}/score"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    after = [sum(process.cpu_times()[:2]) for process in family]
    line = next(line for line in done.stdout.splitlines() if line.startswith("@ "))
    requests, took, half, late, failed = (int(word) for word in line.split()[1:])
    spent = [(b - a) / max(1, requests) * 1e6 for a, b in zip(before, after, strict=True)]
    return Run(
        rate=requests / took * 1e6,
        half=half,
        late=late,
        front=spent[0],
        workers=sum(spent[1:]),
        memory=top.memory_info().rss,
        failed=failed,
    )
