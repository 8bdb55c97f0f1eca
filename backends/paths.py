"""Where state, settings and secrets lie on disk, and how they are written."""

import os
from pathlib import Path

import platformdirs

APP = "pilothouse"


def home() -> Path:
    """State of all workspaces: `$PILOTHOUSE_HOME`, else the platform's user data folder."""
    return Path(os.environ.get("PILOTHOUSE_HOME") or platformdirs.user_data_dir(APP)).absolute()


def settings_dir() -> Path:
    """Settings, key map and the user's themes: `$PILOTHOUSE_CONFIG`, else the config folder."""
    chosen = os.environ.get("PILOTHOUSE_CONFIG") or platformdirs.user_config_dir(APP)
    return Path(chosen).absolute()


def environments_dir() -> Path:
    """Built environments, shared by all workspaces, one folder a key."""
    return home() / "environments"


LONGEST_RUNTIME_DIR = 60
"""Bytes; a Unix socket's whole path ends at 107."""


def runtime_dir() -> Path:
    """Control sockets of running services: a short path, mode 0700, ours alone."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if not base or len(os.fsencode(base)) > LONGEST_RUNTIME_DIR:
        base = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - the folder in it is ours alone
    folder = Path(base) / f"{APP}-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to someone else")
    return folder


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `data` whole: a reader sees the old file or the new one.

    Secrets are written with mode 0o600, which holds from the file's first byte.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
