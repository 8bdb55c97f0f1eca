"""This machine: its capacity as a process here may use it, its ports, what tells a process."""

import errno
import os
import shutil
import socket
import sys
from pathlib import Path

from msgspec import Struct

GB = 1_000_000_000
_CGROUPS = Path("/sys/fs/cgroup")


class Capacity(Struct, frozen=True, kw_only=True):
    """What this machine, or the limits set on us, can give."""

    cpus: float
    """Cores; a fraction where a quota says so."""
    memory_bytes: int
    """All of it, not only what is free."""
    memory_free_bytes: int
    gpus: int


def capacity(cgroups: Path = _CGROUPS, own: Path = Path("/proc/self/cgroup")) -> Capacity:
    """Affinity and control-group limits first, then the machine."""
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = float(len(affinity(0)) if affinity else os.cpu_count() or 1)
    total, free = _memory()
    for folder in _control_groups(cgroups, own):
        cpus = min(cpus, _cpu_quota(folder) or cpus)
        limit = _memory_limit(folder)
        if limit is not None and limit < total:
            total = limit
            free = min(free, max(0, limit - _memory_used(folder)))
    return Capacity(cpus=cpus, memory_bytes=total, memory_free_bytes=free, gpus=_gpus())


def disk_free(folder: Path) -> int:
    """Free bytes where `folder` is or would be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def port_problem(host: str, port: int) -> str:
    """Why a TCP port cannot be listened on now, in words; empty when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Two sockets may both bind under SO_REUSEADDR; only one of them may listen.
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"port {port} is taken by {port_owner(port)}"
            return f"port {port} of {host} cannot be used: {error.strerror or error}"
    return ""


def port_owner(port: int) -> str:
    """Who listens on a TCP port, in words; says so when we may not know."""
    import psutil

    from backends.targets.processes import describe

    try:
        connections = psutil.net_connections("tcp")
    except (psutil.AccessDenied, OSError):
        return "another process (not permitted to see which)"
    for connection in connections:
        if connection.status != psutil.CONN_LISTEN or tuple(connection.laddr)[1:] != (port,):
            continue
        if connection.pid is None:
            return "a process of another user (not permitted to see which)"
        return describe(connection.pid)
    return "another process (not visible from here)"


def identity(pid: int) -> str | None:
    """What tells a process from a later one of the same number; None when it is gone.

    On Linux the kernel's boot id and the start time in ticks of `/proc/<pid>/stat` (proc(5)),
    which no clock change moves. A zombie counts as gone.
    """
    if sys.platform != "linux":
        return _portable_identity(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = stat[stat.rindex(")") + 2 :].split()
    return None if state in "ZX" else f"{boot_id()}:{rest[18]}"


def boot_id() -> str:
    """Changes at each start of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def _memory() -> tuple[int, int]:
    """Bytes of the machine's memory, and those that a new process could have."""
    if sys.platform != "linux":
        import psutil

        memory = psutil.virtual_memory()
        return memory.total, memory.available
    # proc_meminfo(5) gives kB; read here because importing psutil takes longer than a plan.
    lines = (line.split() for line in Path("/proc/meminfo").read_text("ascii").splitlines())
    found = {words[0]: int(words[1]) * 1024 for words in lines}
    return found["MemTotal:"], found["MemAvailable:"]


def _portable_identity(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        gone = process.status() == psutil.STATUS_ZOMBIE
        return None if gone else f"{boot_id()}:{process.create_time()}"
    except psutil.Error:
        return None


def _control_groups(root: Path, own: Path) -> list[Path]:
    """Folders whose limits hold for us, in both versions' layouts (cgroups(7))."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    folders: list[Path] = []
    for line in lines:
        _, _, tail = line.partition(":")
        controllers, _, path = tail.partition(":")
        base = root / controllers if controllers else root
        here = base / path.lstrip("/")
        folders += [here, *(p for p in here.parents if p.is_relative_to(base))]
    return [folder for folder in folders if folder.is_dir()]


def _cpu_quota(folder: Path) -> float | None:
    both = _read(folder / "cpu.max").split()
    if len(both) != 2:
        both = [_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")]
    try:
        quota, period = float(both[0]), float(both[1])
    except ValueError:
        return None
    return quota / period if quota > 0 and period > 0 else None


def _memory_limit(folder: Path) -> int | None:
    text = _read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes")
    return int(text) if text.isdigit() else None


def _memory_used(folder: Path) -> int:
    text = _read(folder / "memory.current") or _read(folder / "memory.usage_in_bytes")
    return int(text) if text.isdigit() else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _gpus() -> int:
    try:
        return len(list(Path("/proc/driver/nvidia/gpus").iterdir()))
    except OSError:
        return 0
