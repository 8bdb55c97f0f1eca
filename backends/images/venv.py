"""Environments of a process: built once with uv for each key, staged, then renamed into place."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import IO

from msgspec import Struct

from backends import paths
from backends.errors import BuildFailed, PilothouseError, Unavailable
from backends.images.environment import EnvironmentPlan
from backends.images.indexes import uv_environment, without_passwords
from backends.images.interpreters import available, find_python, rank
from backends.images.python_pins import FALLBACK
from backends.images.uv_errors import build_error

_READY = "ready.json"
_LOCK_POLL = 0.1


class BuildLine(Struct, frozen=True):
    """One line of progress."""

    text: str


class Built(Struct, frozen=True, kw_only=True):
    """The environment is there; the last item of a build."""

    interpreter: Path
    cached: bool
    """Nothing had to be built."""


async def build(plan: EnvironmentPlan) -> AsyncGenerator[BuildLine | Built, None]:
    """Build the environment unless it is there; ends with `Built`.

    Closing the generator ends what it started. A build that fails leaves nothing behind, and of
    two that build the same at once one waits for the other.

    Raises:
        BuildFailed: a requirement cannot be met, or the Python is not to be had.
        Unavailable: the package index could not be reached, or uv is not installed.
    """
    if not plan.needs_build:
        yield Built(interpreter=plan.interpreter or Path(sys.executable), cached=True)
        return
    folder = paths.environments_dir() / plan.key
    if python := _ready(folder):
        yield Built(interpreter=python, cached=True)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{plan.key}.lock").open("w") as lock:
        async for line in _locked(lock):
            yield line
        if python := _ready(folder):
            yield Built(interpreter=python, cached=True)
            return
        async with contextlib.aclosing(_make(plan, folder)) as lines:
            async for line in lines:
                yield line
    yield Built(interpreter=folder / "venv" / "bin" / "python", cached=False)


def _ready(folder: Path) -> Path | None:
    """The environment's Python, when it was finished and its base is still there."""
    python = folder / "venv" / "bin" / "python"
    return python if (folder / _READY).is_file() and python.exists() else None


async def _locked(lock: IO[str]) -> AsyncIterator[BuildLine]:
    waited = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waited:
                yield BuildLine("Another Pilothouse builds this environment: waiting for it.")
            waited = True
            await asyncio.sleep(_LOCK_POLL)
        else:
            return


async def _make(plan: EnvironmentPlan, folder: Path) -> AsyncGenerator[BuildLine, None]:
    for left in folder.parent.glob(f".{plan.key}.staged-*"):
        shutil.rmtree(left, ignore_errors=True)
    staged = folder.parent / f".{plan.key}.staged-{os.getpid()}"
    staged.mkdir(mode=0o700)
    try:
        async with contextlib.aclosing(_fill(plan, staged)) as lines:
            async for line in lines:
                yield line
        facts = {"python": plan.python, "requirements": plan.requirements, "at": time.time()}
        paths.write_atomic(staged / _READY, json.dumps(facts, indent=1).encode())
        await _remove(folder)
        staged.rename(folder)
    finally:
        await _remove(staged)


async def _remove(folder: Path) -> None:
    """Children of a killed uv may still be writing for a moment."""
    for _ in range(100):
        if await asyncio.to_thread(_removed, folder):
            return
        await asyncio.sleep(_LOCK_POLL)


def _removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


async def _fill(plan: EnvironmentPlan, staged: Path) -> AsyncGenerator[BuildLine, None]:
    """Make the virtual environment and install into it, with uv."""
    venv = staged / "venv"
    python = await asyncio.to_thread(find_python, plan.python)
    yield BuildLine(f"Python {plan.python}: {python or 'to be fetched'}")
    create = _Uv("venv", "--no-project", "--relocatable", "--python", python or plan.python, venv)
    async for line in create.run(staged):
        if python is None:
            yield line
    if create.failed:
        raise _no_venv(create.output) if python else _no_python(plan.python, create.output)
    if not plan.requirements:
        return
    listing = staged / "requirements.txt"
    lines = [*(o for o in plan.pip_options if not o.startswith(_FLAGS)), *plan.requirements]
    paths.write_atomic(listing, "\n".join(lines).encode(), mode=0o600)
    install = _Uv("pip", "install", "--python", venv / "bin" / "python", "-r", listing)
    install.command += _flags(plan)
    async for line in install.run(staged):
        yield line
    if install.failed:
        raise await asyncio.to_thread(build_error, install.output, plan)


_FLAGS = ("--pre", "--trusted-host")
"""Options that a requirements file may hold for pip, and uv takes as flags only."""


def _flags(plan: EnvironmentPlan) -> list[str]:
    # uv's compiler needs Python 3.7; compiled now, the first import need not do it.
    found = ["--compile-bytecode"] if rank(plan.python) >= (3, 7) else []
    found += ["--prerelease=allow"] if "--pre" in plan.pip_options else []
    for option in plan.pip_options:
        name, _, value = option.partition(" ")
        if name == "--trusted-host":
            found += ["--allow-insecure-host", value]
    return found


class _Uv:
    """One run of uv."""

    def __init__(self, *arguments: str | Path) -> None:
        self.command = [_uv(), *map(str, arguments)]
        self.output: list[str] = []
        self.failed = False

    async def run(self, folder: Path) -> AsyncGenerator[BuildLine, None]:
        """Its lines as they come; ended with its children when the generator is closed."""
        process = await asyncio.create_subprocess_exec(
            *self.command,
            cwd=folder,
            env=uv_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=1 << 20,
        )
        assert process.stdout is not None
        try:
            async for raw in process.stdout:
                text = without_passwords(raw.decode("utf-8", errors="replace").rstrip())
                self.output.append(text)
                if text:
                    yield BuildLine(text)
            self.failed = await process.wait() != 0
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


def _uv() -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise Unavailable(
            "Environments are built with uv, which is not installed.",
            fix="`pip install uv`.",
        )
    return found


def _no_python(minor: str, output: list[str]) -> PilothouseError:
    return BuildFailed(
        f"The environment asks for Python {minor}, which is not on this machine and could not be "
        f"fetched; here are {', '.join(available())}.",
        fix=f"Install Python {minor} (`uv python install {minor}` or pyenv), change the pin, or "
        f"set {FALLBACK}=nearest to take the next newer one here.",
        detail="\n".join(output),
    )


def _no_venv(output: list[str]) -> PilothouseError:
    return BuildFailed(
        f"The environment could not be created: {output[-1] if output else 'uv said nothing'}.",
        fix="Check free disk space and rights of the environments folder.",
        detail="\n".join(output),
    )
