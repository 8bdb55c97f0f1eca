"""Folders of the control groups that this process is in, of either version (cgroups(7))."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the kernel shows itself."""

    groups: Path = Path("/sys/fs/cgroup")
    proc: Path = Path("/proc")


HERE = Machine()


def folders(controller: str, machine: Machine = HERE) -> Iterator[Path]:
    """Our group and the groups above it, nearest first, for one controller.

    A container may see its own group as the root while it is told the host's name of it: a folder
    that is not there is passed over.
    """
    for root, group in _hierarchies(controller, machine):
        place = root / group.lstrip("/")
        for folder in (place, *place.parents):
            if folder.is_dir() and root in (folder, *folder.parents):
                yield folder


def _hierarchies(controller: str, machine: Machine) -> Iterator[tuple[Path, str]]:
    """Mount point and group; version 2 names no controller."""
    try:
        lines = (machine.proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = ["0::/"]
    for line in lines:
        number, controllers, group = [*line.split(":", 2), "", ""][:3]
        if number == "0" and not controllers:
            yield machine.groups, group
            yield machine.groups / "unified", group
        elif controller in controllers.split(","):
            yield machine.groups / controllers, group
            yield machine.groups / controller, group
