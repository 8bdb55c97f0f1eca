"""Start a worker process: its socketpair, pipes, environment, interpreter, and what to load."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from backends.scoring.launch import Launch
from backends.scoring.worker import wire

from . import cores

WORKER = Path(__file__).resolve().parent.parent / "worker" / "__main__.py"
OURS_ALONE = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
"""Variables of the supervisor's interpreter that would mislead another one."""
PLAIN_LOCALES = (None, "", "C", "POSIX")
"""Python 3.6 reads and writes ASCII in these; later ones take UTF-8 by themselves (PEP 538)."""


@dataclass(frozen=True, slots=True)
class Spawned:
    """A worker process and this side of its connections."""

    process: subprocess.Popen[bytes]
    connection: socket.socket
    at: float
    """When it was started, by `perf_counter`."""


def spawn(launch: Launch, app_root: Path) -> Spawned:
    """Start one worker in its own process group; it begins to load without waiting for us.

    Raises:
        OSError: The interpreter cannot be run, or the app root is not there.
    """
    variables = environment(launch, app_root)
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
                env=variables,
                pass_fds=(theirs.fileno(),),
                process_group=0,
            )
        except OSError:
            ours.close()
            raise
    ours.sendall(wire.head(wire.CONFIG, _config(launch, app_root, int(variables[cores.OURS])), 0))
    ours.setblocking(False)
    return Spawned(process, ours, perf_counter())


def _config(launch: Launch, app_root: Path, threads: int) -> dict[str, object]:
    """What a worker has to know first; small enough to lie in the socket until it is read."""
    return {
        "app_root": str(app_root),
        "entry_script": launch.entry_script,
        "source_directory": launch.source_directory,
        "builtin": launch.builtin,
        "model_dir": launch.model_dir,
        "threads": threads,
        "collect": launch.origin() if launch.collect_data else None,
    }


def environment(launch: Launch, app_root: Path) -> dict[str, str]:
    """The worker's variables: inherited, the contract's, the launch's own, threads where unset."""
    dropped = OURS_ALONE if launch.interpreter else ()
    found = {key: value for key, value in os.environ.items() if key not in dropped}
    found.update(
        AML_APP_ROOT=str(app_root),
        AZUREML_MODEL_DIR=launch.model_dir,
        SERVICE_NAME=launch.service,
    )
    if launch.entry_script:
        found["AZUREML_ENTRY_SCRIPT"] = launch.entry_script
    if launch.source_directory:
        found["AZUREML_SOURCE_DIRECTORY"] = launch.source_directory
    if launch.collect_data and "AML_MODEL_DC_STORAGE" in {**found, **launch.variables}:
        # a real azureml.monitoring stores in Azure, and fails where it is not told at which account
        found.setdefault("AML_MODEL_DC_STORAGE_ENABLED", "true")
    found.update(launch.variables)
    found.update(cores.thread_variables(found, launch.workers))
    if not found.get("LC_ALL") and (found.get("LC_CTYPE") or found.get("LANG")) in PLAIN_LOCALES:
        found["LC_CTYPE"] = "C.UTF-8"
    return found
