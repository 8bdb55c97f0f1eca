"""The doctor's checks: each looks at one thing, briefly, and knows the fix."""

import os
import platform
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from msgspec import Struct

SECONDS = 3.0
"""Longest wait for anything that is asked."""
INDEX_SECONDS = 10.0
"""Longest wait for the package index, which may be on the other side of the world."""
LOW_DISK_GB = 2.0
OLDEST_PYTHON = (3, 11)


class Finding(Struct, frozen=True, kw_only=True):
    """What one check found."""

    check: str
    level: str
    """ok, warning (some uses will not work) or error (none will)."""
    detail: str
    fix: str = ""


def findings(workspace: str | None, start: Path, *, offline: bool) -> tuple[Finding, ...]:
    """All checks, run side by side; the order is always the same."""
    checks: list[Callable[[], Finding]] = [_python, _uv]
    checks += [] if offline else [_index]
    checks += [_docker, _cluster, _home, _disk, _terminal]
    checks.append(lambda: _workspace(workspace, start))
    with ThreadPoolExecutor(max_workers=len(checks)) as pool:
        return tuple(pool.map(lambda check: check(), checks))


def _python() -> Finding:
    detail = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding(
            check="python", level="error", detail=detail, fix="Install Python 3.11 or newer."
        )
    return Finding(check="python", level="ok", detail=detail)


def _uv() -> Finding:
    try:
        from uv import find_uv_bin

        version = _first_line([find_uv_bin(), "--version"])
    except (ImportError, OSError, subprocess.SubprocessError) as missing:
        return Finding(
            check="uv",
            level="warning",
            detail=f"environments cannot be built: {missing}",
            fix="Install it beside pilothouse: pip install uv.",
        )
    return Finding(check="uv", level="ok", detail=version)


def _index() -> Finding:
    """Whether packages can be looked up where pip and uv are told to find them."""
    from uv import find_uv_bin

    from backends.images.indexes import uv_environment

    look_up = [find_uv_bin(), "pip", "compile", "--quiet", "--no-deps", "--refresh", "-"]
    try:
        done = subprocess.run(
            look_up,
            input="pip",
            env=uv_environment(),
            capture_output=True,
            text=True,
            timeout=INDEX_SECONDS,
            check=False,
        )
        wrong = done.stderr.strip().splitlines()[:1] if done.returncode else []
    except subprocess.TimeoutExpired:
        wrong = [f"no answer within {INDEX_SECONDS:g} s"]
    if wrong:
        return Finding(
            check="package index",
            level="warning",
            detail=f"packages cannot be looked up: {wrong[0]}; new environments cannot be built",
            fix="Check the network, or name an index with UV_DEFAULT_INDEX or PIP_INDEX_URL.",
        )
    return Finding(check="package index", level="ok", detail="packages can be looked up")


def _docker() -> Finding:
    """Whether a Docker engine answers; the process target does without."""
    import docker
    from docker.errors import DockerException

    try:
        with closing(docker.from_env(timeout=int(SECONDS))) as client:
            version = client.version()["Version"]
    except (DockerException, OSError) as wrong:
        return Finding(
            check="docker",
            level="warning",
            detail=f"no engine answers: {str(wrong).splitlines()[0][:100]}",
            fix="Start Docker or set DOCKER_HOST; not needed for services of computeType process.",
        )
    return Finding(check="docker", level="ok", detail=f"engine {version}")


def _cluster() -> Finding:
    """Whether the cluster of the current context takes a connection."""
    from urllib.parse import urlsplit

    from kubernetes import client, config

    try:
        settings = client.Configuration()
        config.load_kube_config(client_configuration=settings)  # type: ignore[no-untyped-call]  # the SDK has no types
        at = urlsplit(settings.host)
        port = at.port or (443 if at.scheme == "https" else 80)
        socket.create_connection((at.hostname or "", port), timeout=SECONDS).close()
    except config.ConfigException as missing:
        return Finding(
            check="cluster",
            level="warning",
            detail=f"no cluster is configured: {str(missing).splitlines()[0][:100]}",
            fix="Set KUBECONFIG; not needed for services of computeType process or local.",
        )
    except OSError as wrong:
        return Finding(
            check="cluster",
            level="warning",
            detail=f"{settings.host} is not reachable: {wrong}",
            fix="Check the network and the current context (kubectl config current-context).",
        )
    return Finding(check="cluster", level="ok", detail=f"{settings.host} takes connections")


def _home() -> Finding:
    from backends.paths import home

    folder = _nearest(home())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return Finding(
            check="home",
            level="error",
            detail=f"{folder} cannot be written",
            fix="Correct its rights, or set PILOTHOUSE_HOME to a folder of your own.",
        )
    return Finding(check="home", level="ok", detail=str(home()))


def _disk() -> Finding:
    from backends.paths import home

    folder = _nearest(home())
    free = shutil.disk_usage(folder).free / 1e9
    detail = f"{free:.1f} GB free at {folder}"
    if free < LOW_DISK_GB:
        return Finding(
            check="disk",
            level="warning",
            detail=detail,
            fix="Free some space, or set PILOTHOUSE_HOME to another disk.",
        )
    return Finding(check="disk", level="ok", detail=detail)


def _terminal() -> Finding:
    term = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return Finding(
            check="terminal",
            level="warning",
            detail="this is no terminal; commands work, the console does not open",
            fix="Run pilothouse in a terminal (over ssh: ssh -t).",
        )
    if term in {"", "dumb"}:
        return Finding(
            check="terminal",
            level="warning",
            detail=f"TERM is '{term}'; the console cannot draw",
            fix="Set TERM to what the terminal is, for example xterm-256color.",
        )
    size = shutil.get_terminal_size()
    colours = os.environ.get("COLORTERM") or "256 or fewer colours"
    encoding = sys.stdout.encoding or ""
    if "utf" not in encoding.lower():
        return Finding(
            check="terminal",
            level="warning",
            detail=f"{term}, encoding {encoding}; glyphs will not show",
            fix="Set a UTF-8 locale, for example LANG=C.UTF-8.",
        )
    return Finding(
        check="terminal", level="ok", detail=f"{term} {size.columns}x{size.lines}, {colours}"
    )


def _workspace(name: str | None, start: Path) -> Finding:
    """Whether the database is sound; a workspace that is not there yet is made on first use."""
    from backends.errors import PilothouseError
    from backends.workspace import Workspace, workspace_names

    if not workspace_names():
        return Finding(check="workspace", level="ok", detail="none yet; made on first use")
    try:
        workspace = Workspace.open(name, start=start)
        workspace.close()
        path = workspace.root / "workspace.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as db:
            wrong = [row[0] for row in db.execute("PRAGMA quick_check(5)") if row[0] != "ok"]
    except (PilothouseError, sqlite3.Error, OSError) as broken:
        wrong, path = [str(broken)], start
    if wrong:
        return Finding(
            check="workspace",
            level="error",
            detail=f"{'; '.join(_short(wrong))}",
            fix=f"Restore {path} from a copy, or name another workspace with -w.",
        )
    return Finding(check="workspace", level="ok", detail=f"{workspace.name}, database is sound")


def _nearest(path: Path) -> Path:
    """The path itself, or the first above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def _short(lines: Iterable[str]) -> list[str]:
    return [line.splitlines()[0][:120] for line in lines if line]


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    return done.stdout.splitlines()[0]
