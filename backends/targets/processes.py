"""Processes of this machine: which ones carry our mark, what they started, what they use.

psutil is imported by what needs it: most starts of a service ask only for marks.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

SERVICE_MARK = "PILOTHOUSE_SERVICE"
"""Variable of a service's processes on this machine: `workspace/name`."""


def marked(variable: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Ids of our living processes that were started with a variable set, with its environment."""
    if sys.platform != "linux":
        yield from _portable_marked(variable)
        return
    mark = f"{variable}=".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            raw = (folder / "environ").read_bytes()  # proc(5); a zombie's is empty
        except OSError:
            continue
        if mark in raw:
            pairs = (entry.partition("=") for entry in os.fsdecode(raw).split("\0"))
            environ = {name: value for name, _, value in pairs}
            if variable in environ:
                yield int(folder.name), environ


def tree(pid: int) -> tuple[int, ...]:
    """The process and all that it started, as far as they still belong to it."""
    import psutil

    try:
        root = psutil.Process(pid)
        return (pid, *(child.pid for child in root.children(recursive=True)))
    except psutil.Error:
        return ()


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time that they have used, of the system too; those that are gone count nothing."""
    import psutil

    total = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system
    return total


def resident_bytes(pids: Iterable[int]) -> int:
    """Memory that they hold, pages that they share counted for each."""
    import psutil

    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            total += psutil.Process(pid).memory_info().rss
    return total


def describe(pid: int) -> str:
    """A process in words: its service if it is one of ours, its name, number and user."""
    import psutil

    try:
        process = psutil.Process(pid)
        owner = f"{process.name()} (pid {pid}, user {process.username()})"
    except psutil.Error:
        return f"pid {pid}"
    try:
        service = process.environ().get(SERVICE_MARK, "")
    except psutil.Error:
        service = ""
    return f"the service {service}, {owner}" if service else owner


def _portable_marked(variable: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    import psutil

    for process in psutil.process_iter():
        try:
            environ = process.environ()
            if variable in environ and process.status() != psutil.STATUS_ZOMBIE:
                yield process.pid, environ
        except (psutil.Error, OSError):
            continue
