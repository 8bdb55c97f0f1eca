"""What the machine knows about a failure: out-of-memory kills, and the model folder's files."""

import os
from pathlib import Path

MAX_LINES = 200


def oom_kills() -> int:
    """How often the kernel ended a process of our control group, or else of this machine."""
    return _counter(_events_file(), "oom_kill") or _counter(Path("/proc/vmstat"), "oom_kill") or 0


def tree(folder: Path) -> tuple[str, ...]:
    """Paths below a folder with their sizes, a file a line, at most 200 lines."""
    found: list[str] = []
    for root, folders, files in os.walk(folder):
        folders.sort()
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


def _events_file() -> Path:
    try:
        group = Path("/proc/self/cgroup").read_text(encoding="utf-8").strip().rpartition("::")[2]
    except OSError:
        group = "/"
    return Path("/sys/fs/cgroup") / group.lstrip("/") / "memory.events"


def _counter(path: Path, name: str) -> int | None:
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    except (OSError, ValueError):
        return None
    return None
