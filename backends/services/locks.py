"""One operation a service at a time, over all consoles of this machine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.errors import Conflict


def held(folder: Path, name: str) -> bool:
    """Whether an operation on the service is in progress."""
    try:
        handle = os.open(folder / f"{name}.lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def operation(folder: Path, name: str, verb: str) -> Iterator[None]:
    """Hold a service's operation lock; it goes with the process, however that ends.

    Raises:
        Conflict: another operation holds it; the sentence says which.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(handle, 200).decode(errors="replace") or "another operation"
            raise Conflict(
                f"Service '{name}' is busy: {other} is in progress.",
                fix="Wait until it has ended; `pilothouse service wait` does.",
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{verb} (process {os.getpid()})".encode())
        yield
    finally:
        os.close(handle)
