"""Tars that are made while they are sent."""

import io
import os
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from backends.errors import InvalidInput, Refused
from backends.images.containers.tars import Entry, digest_of, folder_entries, tar_of


def read(data: bytes) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(data))


def test_files_folders_and_links_arrive_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "sub" / "empty").mkdir(parents=True)
    (tmp_path / "sub" / "run.sh").write_text("x")
    (tmp_path / "sub" / "run.sh").chmod(0o700)
    (tmp_path / "link").symlink_to("sub/run.sh")
    (tmp_path / "folder").symlink_to("sub")
    tar = read(b"".join(tar_of(folder_entries(tmp_path, "at/", owner=7))))
    found = {member.name: member for member in tar}
    assert list(found) == ["at/sub", "at/folder", "at/link", "at/sub/empty", "at/sub/run.sh"]
    assert found["at/sub/run.sh"].mode == 0o755
    assert found["at/link"].linkname == "sub/run.sh"
    assert found["at/folder"].issym()
    assert {member.uid for member in tar} == {7}


def test_names_of_any_bytes_and_length_arrive(tmp_path: Path) -> None:
    names = ["x" * 200, "é\n\\", os.fsdecode(b"\xff\xfe"), "-rf"]
    for name in names:
        (tmp_path / name).write_text(name[:1] or "x", errors="replace")
    tar = read(b"".join(tar_of(folder_entries(tmp_path))))
    assert sorted(tar.getnames()) == sorted(names)


def test_the_same_content_has_the_same_digest_whenever_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = digest_of(folder_entries(tmp_path))
    os.utime(tmp_path / "a", (1, 1))
    assert digest_of(folder_entries(tmp_path)) == first
    (tmp_path / "a").write_text("2")
    assert digest_of(folder_entries(tmp_path)) != first


def test_links_that_leave_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "out").symlink_to("../..")
    with pytest.raises(Refused, match="is a link that leaves"):
        list(folder_entries(tmp_path / "in"))
    (tmp_path / "in" / "out").unlink()
    os.mkfifo(tmp_path / "in" / "pipe")
    with pytest.raises(Refused, match="a device, a pipe or a socket"):
        list(folder_entries(tmp_path / "in"))


def test_a_file_that_shrinks_while_it_is_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"x" * 1_000_000)
    pieces = tar_of([Entry(name="model", path=path)])
    next(pieces)  # its header is out
    path.write_bytes(b"x")
    with pytest.raises(InvalidInput, match="became shorter"):
        list(pieces)


def test_a_big_file_is_never_whole_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    sent = 0
    tracemalloc.start()
    for piece in tar_of([Entry(name="model", path=path)]):
        sent += len(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent > 64 << 20
    assert peak < 4 << 20
