"""Files as a tar that is made while it is sent: no file is ever whole in memory."""

import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.errors import InvalidInput, Refused

_PIECE = 256 << 10
_END = 1024
_TIME = 1_000_000_000
"""Of every member: what a layer holds decides whether it is the same, not when it was copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member: bytes of ours, a file of this machine, or a folder."""

    name: str
    """Relative, with `/`."""
    data: bytes | None = None
    path: Path | None = None
    """None with no `data` either: an empty folder."""
    mode: int = 0o644
    owner: int = 0


def tar_of(entries: Iterable[Entry], sent: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """The tar's bytes in pieces; `sent` is told how many there are so far.

    Raises:
        Refused: a link leaves the folder it lies in, or it is a device, pipe or socket.
        InvalidInput: a file could not be read, or changed while it was.
    """
    total = 0
    for piece in _pieces(entries):
        total += len(piece)
        if sent is not None:
            sent(total)
        yield piece
    yield b"\0" * _END


def folder_entries(
    folder: Path,
    prefix: str = "",
    *,
    owner: int = 0,
    keep: Callable[[str, bool], bool] = lambda _name, _folder: True,
) -> Iterator[Entry]:
    """What lies below a folder, sorted, folders before what they hold.

    Args:
        folder: Of this machine.
        prefix: Goes before each name.
        owner: User and group of each member.
        keep: Whether a path below the folder (with `/`; True for a folder) is taken.
    """
    for here, folders, files in os.walk(folder):
        relative = Path(here).relative_to(folder).as_posix().removeprefix(".")
        where = f"{relative}/" if relative else ""
        links = [name for name in folders if Path(here, name).is_symlink()]
        kept = [n for n in sorted(folders) if n not in links and keep(f"{where}{n}", True)]
        folders[:] = kept
        yield from (Entry(name=f"{prefix}{where}{name}", mode=0o755, owner=owner) for name in kept)
        for name in sorted([*files, *links]):
            if keep(f"{where}{name}", False):
                path = Path(here, name)
                _check(path, folder)
                yield Entry(name=f"{prefix}{where}{name}", path=path, owner=owner)


def _check(path: Path, folder: Path) -> None:
    if path.is_symlink():
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Refused(
                f"{path} is a link that leaves {folder}.",
                fix="Put the file itself there, or take the link away.",
            )
    elif not stat.S_ISREG(path.lstat().st_mode):
        raise Refused(f"{path} is a device, a pipe or a socket.", fix="Take it out of the folder.")


def _pieces(entries: Iterable[Entry]) -> Iterator[bytes]:
    for entry in entries:
        member = _member(entry)
        yield member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        if not member.isreg():
            continue
        if entry.path is None:
            yield entry.data or b""
        else:
            yield from _content(entry.path, member.size)
        if rest := member.size % tarfile.BLOCKSIZE:
            yield b"\0" * (tarfile.BLOCKSIZE - rest)


def _member(entry: Entry) -> tarfile.TarInfo:
    member = tarfile.TarInfo(entry.name)
    member.uid = member.gid = entry.owner
    member.mode, member.mtime = entry.mode, _TIME
    if entry.path is None:
        member.type = tarfile.DIRTYPE if entry.data is None else tarfile.REGTYPE
        member.size = len(entry.data or b"")
        return member
    facts = entry.path.lstat()
    if stat.S_ISLNK(facts.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, str(entry.path.readlink())
    else:
        member.size = facts.st_size
        member.mode = 0o755 if facts.st_mode & 0o111 else 0o644
    return member


def _content(path: Path, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes."""
    try:
        with path.open("rb") as file:
            while size and (piece := file.read(min(_PIECE, size))):
                size -= len(piece)
                yield piece
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror or error}.", fix="Check its rights."
        ) from error
    if size:
        raise InvalidInput(
            f"{path} became shorter while it was read.", fix="Try again when it is whole."
        )


def digest_of(entries: Iterable[Entry]) -> str:
    """sha256, hex, of the tar that they make."""
    digest = hashlib.sha256()
    for piece in tar_of(entries):
        digest.update(piece)
    return digest.hexdigest()
