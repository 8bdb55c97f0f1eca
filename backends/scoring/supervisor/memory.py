"""What the machine knows about a failure: out-of-memory kills, and the model folder's files."""

import os
from pathlib import Path

from .cgroups import HERE, Machine, folders

MAX_LINES = 200


def oom_kills(machine: Machine = HERE) -> int | None:
    """How often the kernel ended a process of our control group, or else of this machine.

    None where the kernel does not count. Only two numbers of one process are comparable.
    """
    for folder in folders("memory", machine):
        for name in ("memory.events", "memory.oom_control"):
            count = _counter(folder / name, "oom_kill")
            if count is not None:
                return count
    return _counter(machine.proc / "vmstat", "oom_kill")


def killed_since(before: int | None) -> bool:
    """The kernel has ended a process since `oom_kills` gave this number."""
    now = oom_kills()
    return now is not None and before is not None and now > before


def tree(folder: Path) -> tuple[str, ...]:
    """Paths below a folder with their sizes, a file a line, at most 200 lines."""
    found: list[str] = []
    for root, below, files in os.walk(folder):
        below.sort()
        for name in sorted(files):
            if len(found) == MAX_LINES - 1:
                return (*found, "…")
            path = Path(root) / name
            found.append(f"{path.relative_to(folder.parent)}  {_size(path)}")
    return tuple(found) or (f"{folder} {'is empty' if folder.is_dir() else 'does not exist'}",)


def _size(path: Path) -> str:
    try:
        return f"{path.stat().st_size} bytes"
    except OSError as error:
        return error.strerror or "cannot be read"


def _counter(path: Path, name: str) -> int | None:
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    except (OSError, ValueError):
        return None
    return None
