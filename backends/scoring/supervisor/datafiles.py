"""Dated CSV files below one folder, each with one header, bounded in size one by one and together.

`<folder>/<parts…>/<yyyy>/<mm>/<dd>/<name>.csv`, then `<name>.2.csv` and so on: a new file begins
when the columns change or the size is reached. The oldest files go when all are too much.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE_BYTES = 64 * 1024 * 1024
MOST_OPEN = 1000
"""Files whose header and size are remembered."""
_ODD = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 100


def safe(part: str) -> str:
    """A name from a script or a request as one path part that stays where it is put."""
    found = _ODD.sub("_", part)[:_LONGEST]
    return found if found.strip(".") else "default"


@dataclass(slots=True)
class _File:
    path: Path
    header: bytes
    size: int


class DataFiles:
    """Appends rows; used by one thread."""

    def __init__(self, folder: Path, total_bytes: int, file_bytes: int = FILE_BYTES) -> None:
        self._folder = folder
        self._most = total_bytes
        self._file_most = min(file_bytes, max(1, total_bytes // 2))
        self._known: dict[tuple[Path, str, bytes], _File] = {}
        self._total: int | None = None

    def append(self, parts: tuple[str, ...], name: str, header: str, rows: bytes) -> int:
        """Add whole lines to today's file; returns how many older files were removed for them.

        Raises:
            OSError: The disk does not take them.
        """
        day = time.strftime("%Y/%m/%d", time.gmtime())
        place = self._folder.joinpath(*(safe(part) for part in parts), day)
        file = self._file(place, safe(name), header.encode("utf-8", "replace"), len(rows))
        descriptor = _open(file.path)
        try:
            file.size = os.fstat(descriptor).st_size  # somebody may have taken the file away
            data = rows if file.size else file.header + rows
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            self._known.clear()  # its end is looked at again before the next rows
            raise
        finally:
            os.close(descriptor)
        file.size += len(data)
        if self._total is None:
            self._total = sum(size for _, size, _ in self._all())
        else:
            self._total += len(data)
        return self._prune(file.path) if self._total > self._most else 0

    def _file(self, place: Path, name: str, header: bytes, size: int) -> _File:
        """The file for rows of this header; several headers take turns without new files."""
        key = (place, name, header)
        file = self._known.get(key)
        if file is None or (file.size and file.size + size > self._file_most):
            newest = self._newest(place, name)
            if file is None and newest is not None and newest.header == header:
                file = newest  # of an earlier process; if it is full, the next call sees it
            else:
                file = _File(place / _file_name(name, newest), header, 0)
        if len(self._known) >= MOST_OPEN:
            self._known.clear()
        self._known[key] = file
        return file

    def _newest(self, place: Path, name: str) -> _File | None:
        """The file of the highest number; one that ends in a torn row has no header."""
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = [path for path in place.glob(f"{name}*.csv") if _belongs(path, name)]
        if not found:
            return None
        path = max(found, key=_number)
        with path.open("rb") as file:
            header = file.readline()
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            whole = file.read(1) == b"\n"
        return _File(path, header if whole else b"", size)

    def _prune(self, kept: Path) -> int:
        """Remove the oldest files until a tenth of the room is free."""
        removed, total = 0, sum(size for _, size, _ in self._all())
        for _, size, path in sorted(self._all()):
            if total <= self._most * 0.9:
                break
            if path != kept:
                path.unlink(missing_ok=True)
                total -= size
                removed += 1
                self._known = {key: f for key, f in self._known.items() if f.path != path}
                _remove_empty(path.parent, self._folder)
        self._total = total
        return removed

    def _all(self) -> Iterator[tuple[int, int, Path]]:
        for path in self._folder.rglob("*.csv"):
            with contextlib.suppress(FileNotFoundError):
                info = path.stat()
                yield info.st_mtime_ns, info.st_size, path


def _file_name(name: str, newest: _File | None) -> str:
    return f"{name}.csv" if newest is None else f"{name}.{_number(newest.path) + 1}.csv"


def _number(path: Path) -> int:
    last = path.stem.rpartition(".")[2]
    return int(last) if last.isdigit() else 1


def _belongs(path: Path, name: str) -> bool:
    rest = path.stem[len(name) :]
    return path.stem.startswith(name) and (not rest or (rest[0] == "." and rest[1:].isdigit()))


def _open(path: Path) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags, 0o600)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
