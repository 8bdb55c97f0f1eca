"""What a pickle-based file would import when it is loaded, read without loading it.

Pickles stand alone (several in a row), inside zip files (torch, npz), compressed as a whole
(joblib), and inside npy files of objects. HDF5 is left alone.
"""

import lzma
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from backends.registry.pickle_machine import Machine
from backends.registry.streams import MAX_UNPACKED, Reader, Unreadable, is_packed, open_reader

SUFFIXES = frozenset(
    {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt", ".sav", ".dill", ".npy", ".npz"}
)
CERTAIN = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill"})
"""Files of these names are loaded as pickles, whatever they hold."""
UNREAD = "? "
"""Begins the entry that says why a file could not be followed to its end."""
MAX_PICKLES = 64
MAX_MEMBERS = 10_000
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, ValueError)
NPY = b"\x93NUMPY"
ZIP = b"PK\x03\x04"


def scan(name: str, path: Path) -> tuple[str, ...]:
    """The globals (`module name`, sorted) that loading the file `name` at `path` would import.

    An entry that begins with `?` says that more may be imported than could be read.
    """
    imports: set[str] = set()
    suffix = PurePosixPath(name.lower()).suffix
    if suffix not in SUFFIXES:
        return ()
    with path.open("rb") as file:
        try:
            _scan_file(file, imports)
        except Unreadable as problem:
            if imports or suffix in CERTAIN:
                imports.add(f"{UNREAD}{problem}")
    return tuple(sorted(imports))


def _scan_file(file: BinaryIO, imports: set[str]) -> None:
    magic = file.read(8)
    if magic.startswith(ZIP):
        _scan_zip(file, imports)
    elif magic.startswith(NPY):
        _scan_array(file, magic, imports)
    else:
        _scan_pickles(open_reader(file), imports, several=not is_packed(magic))


def _scan_pickles(reader: Reader, imports: set[str], *, several: bool) -> None:
    """Follow the first pickle, and those after it until something else follows."""
    Machine(reader, imports).run()
    for _ in range(MAX_PICKLES if several else 0):
        further: set[str] = set()
        try:
            Machine(reader, further).run()
        except Unreadable:
            return
        imports |= further


def _scan_zip(file: BinaryIO, imports: set[str]) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise Unreadable("it holds too many members")
            for member in members:
                _scan_member(archive, member, imports)
    except (*_BROKEN, NotImplementedError, RuntimeError, EOFError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"its archive is broken: {error}") from error


def _scan_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, imports: set[str]) -> None:
    suffix = PurePosixPath(member.filename.lower()).suffix
    if suffix not in SUFFIXES:
        return
    with archive.open(member) as opened:
        stream = cast("BinaryIO", opened)
        if suffix == ".npy":
            _scan_array(stream, stream.read(8), imports)
        else:
            _scan_pickles(Reader(stream, MAX_UNPACKED), imports, several=False)


def _scan_array(file: BinaryIO, start: bytes, imports: set[str]) -> None:
    """An npy file (numpy.lib.format): objects follow the header as a pickle."""
    width = 2 if start[6:7] == b"\x01" else 4
    length = start[8:] + file.read(width)
    header = file.read(min(int.from_bytes(length, "little"), 1 << 16))
    if b"O'" in header:
        _scan_pickles(Reader(file, MAX_UNPACKED), imports, several=False)
