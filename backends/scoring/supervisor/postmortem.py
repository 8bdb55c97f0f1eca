"""What is said about a worker that has ended, and where an orchestrator reads it."""

import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

from . import memory
from .status import FAILED, Status

FATAL = "Fatal Python error"
"""How faulthandler's report of a crash in native code begins."""
MOST_BYTES = 4096
"""Kubernetes shows so much of a termination message."""


def exit_text(exit_code: int, *, out_of_memory: bool) -> str:
    """How a process ended, in one sentence."""
    if out_of_memory:
        return "the worker was ended by the kernel: out of memory"
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        text = f"the worker was ended by {name} ({signal.strsignal(-exit_code)})"
        if -exit_code == signal.SIGKILL and memory.oom_kills() is None:
            text += ", as the kernel does when memory runs out"
        return text
    return f"the worker exited with code {exit_code}"


def native_traceback(lines: Sequence[str]) -> str:
    """Where Python code was when native code crashed, from a worker's last lines."""
    starts = [number for number, line in enumerate(lines) if line.startswith(FATAL)]
    return "\n".join(lines[starts[-1] :]) + "\n" if starts else ""


def leave_word(path: Path, status: Status) -> None:
    """Write the reason of a failure where Kubernetes looks for a container's last words.

    The file is made by Kubernetes: where it is not there, nobody looks.
    """
    if status.state == FAILED:
        text = f"{status.reason}\n{status.evidence.traceback}".encode()[:MOST_BYTES]
        with contextlib.suppress(OSError), path.open("r+b") as file:
            file.truncate(file.write(text))
