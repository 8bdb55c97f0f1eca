"""Start a worker process: its socketpair, pipes, environment, interpreter, and what to load."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from backends.scoring.launch import Launch
from backends.scoring.worker import wire

WORKER = Path(__file__).resolve().parent.parent / "worker" / "__main__.py"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
OURS_ALONE = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
"""Variables of the supervisor's interpreter that would mislead another one."""


@dataclass(frozen=True, slots=True)
class Spawned:
    """A worker process and this side of its connections."""

    process: subprocess.Popen[bytes]
    connection: socket.socket


def spawn(launch: Launch, app_root: Path) -> Spawned:
    """Start one worker in its own process group; it begins to load without waiting for us.

    Raises:
        OSError: The interpreter cannot be run, or the app root is not there.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [
                    launch.interpreter or sys.executable,
                    str(WORKER),
                    str(theirs.fileno()),
                    str(os.getpid()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=app_root,
                env=environment(launch, app_root),
                pass_fds=(theirs.fileno(),),
                process_group=0,
            )
        except OSError:
            ours.close()
            raise
    ours.sendall(wire.head(wire.CONFIG, _config(launch, app_root), 0))
    ours.setblocking(False)
    return Spawned(process, ours)


def _config(launch: Launch, app_root: Path) -> dict[str, object]:
    """What a worker has to know first; small enough to lie in the socket until it is read."""
    return {
        "app_root": str(app_root),
        "entry_script": launch.entry_script,
        "source_directory": launch.source_directory,
        "builtin": launch.builtin,
        "model_dir": launch.model_dir,
        "threads": worker_threads(launch.workers),
    }


def environment(launch: Launch, app_root: Path) -> dict[str, str]:
    """The worker's variables: inherited, then the contract's, then the launch's own."""
    dropped = OURS_ALONE if launch.interpreter else ()
    found = {key: value for key, value in os.environ.items() if key not in dropped}
    threads = str(worker_threads(launch.workers))
    for name in THREAD_VARIABLES:
        found.setdefault(name, threads)
    found.update(
        AML_APP_ROOT=str(app_root),
        AZUREML_MODEL_DIR=launch.model_dir,
        SERVICE_NAME=launch.service,
    )
    if launch.entry_script:
        found["AZUREML_ENTRY_SCRIPT"] = launch.entry_script
    if launch.source_directory:
        found["AZUREML_SOURCE_DIRECTORY"] = launch.source_directory
    found.update(launch.variables)
    return found


def worker_threads(workers: int) -> int:
    """Threads for one worker's native libraries: the cores that we may use, shared out."""
    cores = float(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota = _cgroup_cores()
    if quota is not None:
        cores = min(cores, quota)
    return max(1, int(cores / max(1, workers)))


def _cgroup_cores() -> float | None:
    """`cpu.max` of a version 2 control group: quota and period in microseconds, or `max`."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None
