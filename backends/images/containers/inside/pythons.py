"""What a base image has: Pythons by place and version, and conda."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_ASK = "import sys; print('%d.%d.%d %s' % (sys.version_info[:3] + (sys.executable,)))"
_PLACES = (
    "opt/environment/bin",
    "usr/local/bin",
    "opt/conda/bin",
    "opt/miniconda*/bin",
    "opt/mini*/bin",
    "root/mini*/bin",
    "azureml-envs/*/bin",
    "usr/bin",
    "opt/python/*/bin",
    "opt/*/bin",
)
"""Where images keep a Python, besides PATH, which goes first."""
_CONDAS = ("micromamba", "mamba", "conda")


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter of the base."""

    path: str
    version: str
    """`3.8.10`."""

    @property
    def minor(self) -> str:
        """`3.8`."""
        return ".".join(self.version.split(".")[:2])


def find_pythons() -> list[Python]:
    """CPython 3 of the base, the one that `python` means first; none of the server's own."""
    found: dict[str, Python] = {}
    for folder in _folders():
        names = sorted(path.name for path in Path(folder).glob("python3.*"))
        exact = [name for name in names if re.fullmatch(r"python3\.\d+", name)]
        for name in ("python", "python3", *exact):
            path = f"{folder}/{name}"
            real = os.path.realpath(path)
            if real in found or not os.access(path, os.X_OK) or not Path(real).is_file():
                continue
            if version := version_of(path):
                found[real] = Python(path, version)
    return list(found.values())


def version_of(path: str) -> str:
    """The version of a Python 3; empty for what is none or does not run."""
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    version = answer.stdout.partition(" ")[0]
    return version if re.fullmatch(r"3\.\d+\.\d+", version) else ""


def find_conda() -> str:
    """A conda of the base; empty without one."""
    path = os.pathsep.join(_folders())
    return next((found for name in _CONDAS if (found := shutil.which(name, path=path))), "")


def _folders() -> list[str]:
    on_path = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    others = [str(found) for place in _PLACES for found in sorted(Path("/").glob(place))]
    everywhere = dict.fromkeys([*on_path, *others])
    return [folder for folder in everywhere if not folder.startswith("/opt/pilothouse")]
