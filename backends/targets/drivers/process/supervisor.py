"""The supervisor process of a service on this machine: start it, know it again, end all of it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import backends
from backends.errors import Conflict, Unavailable
from backends.targets import control, host, processes
from backends.targets.drivers.process.rundir import Exit, Process, RunDir
from backends.targets.processes import SERVICE_MARK
from backends.targets.streams import newest_boot

HOME_MARK = "PILOTHOUSE_HOME"
_PASSED_ON = frozenset(
    (
        *("HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_HOME"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    )
)
"""A service gets these of the console's variables and no other: the console may hold secrets."""
_POLL = 0.02
_TERM_SECONDS = 2.0


def start(place: RunDir, launch_file: Path, socket: Path) -> None:
    """Start the supervisor so that it outlives us; its record is kept in the run folder.

    Raises:
        Unavailable: the process could not be started.
    """
    place.output_file.parent.mkdir(parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    log_before = newest_boot(place.log_file)
    try:
        with place.output_file.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "backends.scoring", "--launch", str(launch_file)],
                # Makes our package importable, from a checkout and from an installed wheel alike,
                # without a PYTHONPATH that the user's own interpreter would inherit.
                cwd=Path(next(iter(backends.__path__))).parent,
                env=_environment(place),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        raise Unavailable(
            f"The scoring server of {place.name} could not be started: {error}.",
            fix="Check free memory and the limit of processes.",
        ) from error
    identity = host.identity(child.pid) or ""
    place.save(Process(child.pid, identity, str(socket), time.time(), log_before))
    threading.Thread(target=_reap, args=(child, place), daemon=True).start()


def alive(place: RunDir) -> Process | None:
    """The supervisor's record, if that very process runs."""
    process = place.process
    return process if process and host.identity(process.pid) == process.identity else None


def orphans(place: RunDir) -> list[int]:
    """Ids of processes of the service that its folder does not tell of."""
    wanted = {HOME_MARK: str(place.home), SERVICE_MARK: _mark(place)}
    return [
        pid for pid, environ in processes.marked(SERVICE_MARK) if wanted.items() <= environ.items()
    ]


def lost_services(workspace: str, home: Path) -> dict[str, int]:
    """Names of services that run but have no folder, each with its supervisor's pid."""
    found: dict[str, int] = {}
    for pid, environ in processes.marked(SERVICE_MARK):
        owner, _, name = environ[SERVICE_MARK].partition("/")
        leads = pid == _session(pid)
        if owner == workspace and environ.get(HOME_MARK) == str(home) and leads:
            found[name] = pid
    return found


async def end(place: RunDir, grace: float) -> None:
    """Stop the supervisor and everything it started; nothing of it runs afterwards.

    Asks it to drain, then SIGTERM, then SIGKILL for all that is left.

    Args:
        place: The service's folder; it may be gone already.
        grace: Seconds for requests in flight.
    """
    process, asked = alive(place), False
    if process is not None:
        with contextlib.suppress(Unavailable, Conflict):
            ask = {"op": "stop", "grace": grace}
            await control.command(Path(process.socket), ask, seconds=_TERM_SECONDS)
            asked = True
            await _gone({process.pid: process.identity}, grace + _TERM_SECONDS)
    if process is not None and alive(place) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        await _gone({process.pid: process.identity}, (0 if asked else grace) + _TERM_SECONDS)
    left = await asyncio.to_thread(orphans, place)
    if process is not None and alive(place) is not None:
        left += processes.tree(process.pid)
    identities = {pid: identity for pid in left if (identity := host.identity(pid))}
    for pid in identities:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    await _gone(identities, _TERM_SECONDS)


async def _gone(identities: Mapping[int, str], seconds: float) -> None:
    """Wait until those processes have ended, so many seconds at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                if all(host.identity(pid) != identity for pid, identity in identities.items()):
                    return
                await asyncio.sleep(_POLL)  # not our children, as a rule: nothing to wait on


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _environment(place: RunDir) -> Mapping[str, str]:
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith("LC_")
    }
    return passed | {HOME_MARK: str(place.home), SERVICE_MARK: _mark(place)}


def _mark(place: RunDir) -> str:
    return f"{place.workspace}/{place.name}"


def _reap(child: "subprocess.Popen[bytes]", place: RunDir) -> None:
    """Keep no zombie as long as this console runs, and note how the supervisor ended."""
    code = child.wait()
    if place.exists():
        with contextlib.suppress(OSError):
            place.save(Exit(child.pid, code))
