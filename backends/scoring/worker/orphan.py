"""A worker ends with its supervisor, however that one ends."""

import os
import select
import signal
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

PR_SET_PDEATHSIG = 1
"""prctl(2)."""


def end_with(parent: int, connection: "socket.socket") -> None:
    """Make the kernel, or else a thread that watches the connection, end this process."""
    if not _ask_kernel():
        thread = threading.Thread(target=_watch, args=(connection.fileno(),), daemon=True)
        thread.start()
    if os.getppid() != parent:
        os._exit(1)


def _ask_kernel() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        return bool(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def _watch(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLHUP)
    while not any(event & select.POLLHUP for _, event in poll.poll()):
        pass
    os._exit(1)
