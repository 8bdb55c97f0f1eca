"""Content-addressed files: `blobs/sha256/ab/<hex>`, read-only, each stored once.

A stage is a folder below `stage/` beside a lock file that its process holds for as long as it
works. The kernel drops the lock when the process dies, so whoever opens the store next knows
which stages are left over and removes them. Before a stage moves files into the store it writes
down which (`intent`): if its owner dies before the index row, the sweep takes them out again.
Blobs appear and disappear only while the index's write lock is held.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backends.errors import PilothouseError
from backends.registry.copying import Progress, copy_hashed, opened, sync_folder

INTENT = "intent"


class BlobStore:
    """The blobs below `root/blobs`, staged through `root/stage` on the same file system."""

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs" / "sha256"
        self._stages = root / "stage"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._stages.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the blob of that digest lies, stored or not."""
        return self._blobs / sha256[:2] / sha256

    def drop(self, digests: Iterable[str]) -> None:
        """Remove blobs. The caller holds the index's write lock, and no row names them."""
        for sha256 in digests:
            self.path(sha256).unlink(missing_ok=True)

    @contextmanager
    def stage(self) -> Iterator["Stage"]:
        """A stage of this process, gone with everything left in it afterwards."""
        folder, lock = self._locked_stage()
        try:
            yield Stage(self, folder)
        finally:
            self._remove(folder)
            os.close(lock)

    def sweep(self, collect: Callable[[Iterable[str]], None]) -> int:
        """Remove the stages of dead processes; `collect` gets the digests each meant to publish.

        Returns:
            How many there were.
        """
        swept = 0
        for marker in self._stages.glob("*.lock"):
            lock = _lock(marker, create=False)
            if lock is None:
                continue
            folder = marker.with_suffix("")
            with suppress(FileNotFoundError):
                collect((folder / INTENT).read_text().split())
            self._remove(folder)
            os.close(lock)
            swept += 1
        return swept

    def _locked_stage(self) -> tuple[Path, int]:
        while True:
            self._stages.mkdir(parents=True, exist_ok=True)
            folder = self._stages / f"{os.getpid()}-{os.urandom(8).hex()}"
            lock = _lock(folder.with_name(folder.name + ".lock"), create=True)
            if lock is not None:
                folder.mkdir(mode=0o700)
                return folder, lock

    def _remove(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(folder.name + ".lock").unlink(missing_ok=True)


class Stage:
    """Files of one registration on their way into the store."""

    def __init__(self, store: BlobStore, folder: Path) -> None:
        self._store = store
        self.folder = folder
        self._held: set[str] = set()

    def add(
        self, source: Path, identity: tuple[int, int], progress: Progress | None = None
    ) -> tuple[int, str]:
        """Copy a regular file in: (bytes, sha256 hex).

        Raises:
            Conflict: it changed meanwhile, or is not the file of that (device, inode).
            PilothouseError: reading or writing failed, as on a full disk.
        """
        fresh = self.folder / f"new-{os.urandom(8).hex()}"
        with opened(source, identity) as handle:
            try:
                size, sha256 = copy_hashed(handle, fresh, progress)
            except OSError as error:
                raise PilothouseError(
                    f"{source} could not be copied below {self.folder.parent}: {error.strerror}.",
                    fix="Make room there, check both disks, then try again.",
                ) from error
        fresh.chmod(0o444)
        fresh.replace(self.path(sha256))
        self._held.add(sha256)
        return size, sha256

    def path(self, sha256: str) -> Path:
        """Where a staged file lies."""
        return self.folder / sha256

    def intend(self, digests: Iterable[str]) -> None:
        """Write down which blobs are about to appear or disappear."""
        (self.folder / INTENT).write_text("\n".join(digests))

    def announce(self) -> None:
        """Write down what is about to be published."""
        self.intend(sorted(self._held))

    def publish(self) -> None:
        """Move the files into the store. The caller holds the index's write lock.

        A blob that is there already is replaced by the same bytes, so that registering again
        heals one that was damaged.
        """
        touched = set()
        for sha256 in self._held:
            target = self._store.path(sha256)
            if not target.parent.exists():
                target.parent.mkdir(parents=True)
                touched.add(target.parent.parent)
            self.path(sha256).rename(target)
            touched.add(target.parent)
        for folder in touched:
            sync_folder(folder)


def _lock(marker: Path, *, create: bool) -> int | None:
    """The descriptor that holds `marker`'s lock; None when another process holds or removed it."""
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0)
    try:
        handle = os.open(marker, flags, 0o600)
    except (FileNotFoundError, FileExistsError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if marker.stat().st_ino == os.fstat(handle).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None
