"""Which files a registration means, and what speaks against them.

Layout as Azure ML v1 stores it: a single file under its own name; a folder, or chosen children
of one, relative to the folder's parent, so that the folder's own name is kept.
"""

import os
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from msgspec import Struct

MAX_FILES = 100_000
MAX_DEPTH = 64


class SourceFile(Struct, frozen=True, kw_only=True):
    """One regular file to store."""

    path: str
    """In the model directory, with `/`."""
    origin: Path
    """Where its bytes are: no link."""
    size: int
    identity: tuple[int, int]
    """(device, inode), so that nothing else is read in its place later."""


@dataclass(slots=True)
class Found:
    """Files of a registration and everything that is wrong with them."""

    files: dict[str, SourceFile] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    """Missing or misnamed."""
    unsafe: list[str] = field(default_factory=list)
    """Refused: leaves the folder, or is no regular file."""


def find_files(path: Path, child_paths: Iterable[str] = ()) -> Found:
    """Every regular file that `path` means, sorted by its path in the model directory."""
    found = Found()
    children = tuple(child_paths)
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        found.wrong.append(f"{path} {_absence(path, error)}")
        return found
    name = path.name if path.name not in {"", ".."} else real.name
    if not real.is_dir():
        if children:
            found.wrong.append(f"{path} is a file: child paths are inside a folder")
        _Walk(real.parent, found).visit(real, name)
    elif children:
        for child in children:
            _visit_child(real, name, child, found)
    else:
        _Walk(real, found).visit(real, name)
    _check_whole(found, path)
    found.files = dict(sorted(found.files.items()))
    return found


def path_problem(path: str) -> str:
    """Why `path` cannot name a file below a model directory; empty when it can."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return f"{os.fsencode(path)!r}: the name is not UTF-8"
    if any(unicodedata.category(letter) == "Cc" for letter in path):
        return f"{path!r}: the name holds control characters"
    parts = path.split("/")
    if not all(parts) or ".." in parts or "." in parts:
        return f"{path!r} leaves the folder"
    return ""


def _visit_child(root: Path, name: str, child: str, found: Found) -> None:
    relative = PurePosixPath(child)
    problem = path_problem(str(relative))
    if relative.is_absolute() or problem:
        found.unsafe.append(problem or f"{child} is not relative to the folder")
    elif not (root / relative).exists():
        found.wrong.append(f"{child} does not exist in {root}")
    else:
        _Walk(root, found).visit(root / relative, f"{name}/{relative}")


class _Walk:
    """A walk below one folder that nothing may leave."""

    def __init__(self, root: Path, found: Found) -> None:
        self._root = root
        self._found = found
        self._above: list[Path] = []

    def visit(self, path: Path, stored: str) -> None:
        problem = path_problem(stored)
        if problem:
            self._found.unsafe.append(problem)
            return
        try:
            real = path.resolve(strict=True)
            status = real.stat(follow_symlinks=False)
        except (OSError, RuntimeError) as error:
            self._found.wrong.append(f"{path} cannot be followed: {error}")
            return
        if not real.is_relative_to(self._root):
            self._found.unsafe.append(f"{path} is a link that leaves {self._root}")
        elif stat.S_ISDIR(status.st_mode):
            self._visit_folder(real, stored)
        elif not stat.S_ISREG(status.st_mode):
            self._found.unsafe.append(f"{path} is a {_kind(status.st_mode)}")
        elif len(self._found.files) < MAX_FILES:
            identity = (status.st_dev, status.st_ino)
            self._found.files[stored] = SourceFile(
                path=stored, origin=real, size=status.st_size, identity=identity
            )

    def _visit_folder(self, folder: Path, stored: str) -> None:
        if folder in self._above or len(self._above) >= MAX_DEPTH:
            self._found.unsafe.append(f"{folder} contains itself through a link")
            return
        self._above.append(folder)
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            self._found.wrong.append(f"{folder} cannot be listed: {error.strerror}")
            paths = []
        for path in paths:
            self.visit(path, f"{stored}/{path.name}")
        self._above.pop()


def _check_whole(found: Found, path: Path) -> None:
    if len(found.files) >= MAX_FILES:
        found.wrong.append(f"{path} holds more than {MAX_FILES - 1:,} files")
    if not (found.files or found.wrong or found.unsafe):
        found.wrong.append(f"{path} holds no file")
    seen: dict[str, str] = {}
    for stored in found.files:
        for part in (stored, *map(str, PurePosixPath(stored).parents)):
            key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).casefold())
            other = seen.setdefault(key, part)
            if other != part:
                found.unsafe.append(f"{other} and {part} are one name where case does not count")
                seen[key] = part


def _absence(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "is a link to nothing" if path.is_symlink() else "does not exist"
    return f"cannot be followed: {error}"


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")
