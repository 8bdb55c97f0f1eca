"""Pythons of this machine, by minor version."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The minor version that runs us."""

_ASK = "import sys; print('%d.%d %s' % (sys.version_info[:2] + (sys.implementation.name,)))"


def find_python(minor: str) -> Path | None:
    """An interpreter of that minor version (`3.8`), or None."""
    return Path(sys.executable) if minor == OWN else available().get(minor)


@cache
def available() -> Mapping[str, Path]:
    """Minor version -> an interpreter of it: ours, on PATH, of pyenv, or fetched by uv."""
    found = {OWN: Path(sys.executable)}
    for candidate in _candidates():
        name = re.fullmatch(r"python(3\.\d+)", candidate.name)
        if name is None or name[1] in found or not os.access(candidate, os.X_OK):
            continue
        if _minor(candidate) == name[1]:
            found[name[1]] = candidate
    return dict(sorted(found.items(), key=lambda item: rank(item[0])))


def rank(minor: str) -> tuple[int, ...]:
    """`3.10` comes after `3.9`."""
    return tuple(int(part) for part in minor.split(".") if part.isdigit())


def _candidates() -> list[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    folders = [*pyenv.glob("versions/*/bin"), *managed.glob("*/bin")]
    folders += [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    found: list[Path] = []
    for folder in folders:
        try:
            found += sorted(folder.glob("python3.*"))
        except OSError:
            continue
    return [path for path in found if path.parent.name != "shims"]


def _minor(python: Path) -> str:
    try:
        answer = subprocess.run(
            [python, "-I", "-c", _ASK], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    minor, _, implementation = answer.stdout.strip().partition(" ")
    return minor if implementation == "cpython" else ""
