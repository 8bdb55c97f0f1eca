"""Copying bytes while hashing them: one read of the source, whatever happens to it meanwhile."""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.errors import Conflict, Refused

BUFFER = 4 * 1024 * 1024
FLUSH_EVERY = 128 * 1024 * 1024
"""Bytes after which the disk starts to write: what is left for the last fsync stays small."""
FICLONE = 0x40049409
"""ioctl that shares extents between two files (linux/fs.h); btrfs, xfs, bcachefs."""

Progress = Callable[[int], None]
"""Called with the bytes that were done since the last call."""


@contextmanager
def opened(path: Path, identity: tuple[int, int] | None = None) -> Iterator[int]:
    """A descriptor of the regular file `path` itself: no link, device, socket or fifo.

    Raises:
        Refused: it is not a regular file (any more).
        Conflict: it changed while it was open, or is not the file of that (device, inode).
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise Refused(f"{path} is not a regular file.", fix="Register regular files only.")
        if identity is not None and identity != (before.st_dev, before.st_ino):
            raise _changed(path)
        yield handle
        if _state(os.fstat(handle)) != _state(before):
            raise _changed(path)
    finally:
        os.close(handle)


def copy_hashed(source: int, target: Path, progress: Progress | None = None) -> tuple[int, str]:
    """Copy an open file to the new file `target`, flushed to disk: (bytes, sha256 hex).

    Where the file system can share extents the copy costs nothing and the copy is what is
    hashed; elsewhere every buffer is hashed while the one before is being written.
    """
    handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if _cloned(source, handle):
            found = _hash_and_write(handle, None, progress)
        else:
            found = _hash_and_write(source, handle, progress)
        os.fsync(handle)
    finally:
        os.close(handle)
    return found


def hashed(source: int, progress: Progress | None = None) -> tuple[int, str]:
    """(bytes, sha256 hex) of an open file."""
    return _hash_and_write(source, None, progress)


def place(blob: Path, target: Path) -> None:
    """Make the new file `target` hold the bytes of `blob`, read-only.

    By shared extents, else a hard link, else a copy.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened(blob) as source:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        try:
            os.fchmod(handle, 0o444)
            if _cloned(source, handle):
                return
        finally:
            os.close(handle)
    target.unlink()
    try:
        target.hardlink_to(blob)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
            raise
        with opened(blob) as source:
            copy_hashed(source, target)
        target.chmod(0o444)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hash_and_write(source: int, target: int | None, progress: Progress | None) -> tuple[int, str]:
    from concurrent.futures import Future, ThreadPoolExecutor

    digest, total, unsynced = hashlib.sha256(), 0, 0
    size = os.fstat(source).st_size  # a file that grows for ever is found changed, not followed
    buffers = [memoryview(bytearray(BUFFER)) for _ in range(2)]
    writing: Future[None] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="blob-writer") as writer:
        while total <= size and (count := os.preadv(source, [buffers[0]], total)):
            chunk = buffers[0][:count]
            if writing is not None:
                writing.result()
            if target is not None:
                unsynced += count
                flush = unsynced >= FLUSH_EVERY
                unsynced = 0 if flush else unsynced
                writing = writer.submit(_write, target, chunk, total, flush=flush)
            digest.update(chunk)
            total += count
            buffers.reverse()
            if progress is not None:
                progress(count)
        if writing is not None:
            writing.result()
    return total, digest.hexdigest()


def _write(target: int, chunk: memoryview, offset: int, *, flush: bool) -> None:
    while chunk:
        count = os.pwrite(target, chunk, offset)
        chunk, offset = chunk[count:], offset + count
    if flush:
        os.fdatasync(target)


def _cloned(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino


def _changed(path: Path) -> Conflict:
    return Conflict(
        f"{path} changed while it was being read.", fix="Let its writer finish, then try again."
    )


def _unreadable(path: Path, error: OSError) -> Refused:
    why = "is a link" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
    return Refused(f"{path} {why}.", fix="Check that it is a file that you may read.")
