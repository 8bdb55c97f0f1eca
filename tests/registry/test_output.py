"""Files written back, checked, and compared."""

import filecmp
import os
import stat
from pathlib import Path

import pytest

from backends.errors import Conflict, IntegrityError
from backends.registry.records import Framework, ModelFile, Registration
from backends.registry.registry import Registry


def trees_equal(one: Path, other: Path) -> bool:
    """Whether two folders hold the same names and bytes."""
    names = sorted(p.relative_to(one) for p in one.rglob("*"))
    if names != sorted(p.relative_to(other) for p in other.rglob("*")):
        return False
    files = [str(name) for name in names if (one / name).is_file()]
    return filecmp.cmpfiles(one, other, files, shallow=False)[0] == files


def blob(root: Path, file: ModelFile) -> Path:
    return root / "blobs" / "sha256" / file.sha256[:2] / file.sha256


def test_folder_comes_back_byte_for_byte(registry: Registry, folder: Path, tmp_path: Path) -> None:
    registry.register(Registration(name="x", path=str(folder)))
    written = registry.download("x", tmp_path / "target")
    assert written == tmp_path / "target" / "models"
    assert trees_equal(written, folder)
    assert os.access(written / "model.h5", os.W_OK)


def test_file_comes_back_as_a_file(registry: Registry, file: Path, tmp_path: Path) -> None:
    registry.register(Registration(name="x", path=str(file)))
    written = registry.download("x:1", tmp_path / "target")
    assert written == tmp_path / "target" / "model.dat"
    assert written.read_bytes() == file.read_bytes()


def test_download_is_a_copy_of_its_own(registry: Registry, file: Path, tmp_path: Path) -> None:
    registry.register(Registration(name="x", path=str(file)))
    registry.download("x", tmp_path / "target").write_text("changed")
    assert registry.verify().ok


def test_download_replaces_only_when_told_to(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    registry.register(Registration(name="x", path=str(folder)))
    target = tmp_path / "target"
    (target / "models").mkdir(parents=True)
    (target / "models" / "mine").write_text("mine")
    with pytest.raises(Conflict, match="exists already"):
        registry.download("x", target)
    assert (target / "models" / "mine").exists()
    (target / "models" / "model.h5").write_text("old")
    written = registry.download("x", target, overwrite=True)
    assert (written / "mine").read_text() == "mine"
    (written / "mine").unlink()
    assert trees_equal(written, folder)
    assert [path.name for path in target.iterdir()] == ["models"]


def test_folder_in_the_place_of_a_file_is_not_overwritten(
    registry: Registry, file: Path, tmp_path: Path
) -> None:
    registry.register(Registration(name="x", path=str(file)))
    (tmp_path / "target" / "model.dat" / "deep").mkdir(parents=True)
    with pytest.raises(Conflict, match="cannot be overwritten"):
        registry.download("x", tmp_path / "target", overwrite=True)
    assert (tmp_path / "target" / "model.dat" / "deep").is_dir()


def test_damaged_bytes_are_not_written_out(
    registry: Registry, root: Path, folder: Path, tmp_path: Path
) -> None:
    model = registry.register(Registration(name="x", path=str(folder)))
    damage(blob(root, model.files[-1]), b"other")
    with pytest.raises(IntegrityError, match=r"vocabulary\.txt"):
        registry.download("x", tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []


def test_materialized_files_are_read_only_and_share_the_stored_bytes(
    registry: Registry, root: Path, folder: Path, tmp_path: Path
) -> None:
    model = registry.register(Registration(name="x", path=str(folder)))
    registry.materialize("x:1", tmp_path / "service")
    assert trees_equal(tmp_path / "service" / "models", folder)
    for file in model.files:
        mode = (tmp_path / "service" / file.path).stat().st_mode
        assert stat.S_IMODE(mode) == 0o444
    with pytest.raises(Conflict):
        registry.materialize("x:1", tmp_path / "service")
    registry.delete("x:1")
    assert trees_equal(tmp_path / "service" / "models", folder)


def damage(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_verify_finds_what_changed_and_what_is_missing(
    registry: Registry, root: Path, folder: Path, file: Path
) -> None:
    bad = registry.register(Registration(name="bad", path=str(folder)))
    registry.register(Registration(name="good", path=str(file)))
    report = registry.verify()
    assert report.ok
    assert (report.versions, report.files) == (2, 4)
    first = registry.get("bad").verified
    assert first is not None
    files = {one.path: one for one in bad.files}
    damage(blob(root, files["models/parts/vocabulary.txt"]), b"other")
    blob(root, files["models/model.h5"]).unlink()
    report = registry.verify()
    assert [(one.id, one.path) for one in report.damaged] == [
        ("bad:1", "models/copy.h5"),
        ("bad:1", "models/model.h5"),
        ("bad:1", "models/parts/vocabulary.txt"),
    ]
    assert [one.problem.split()[0] for one in report.damaged] == ["missing", "missing", "hashes"]
    assert registry.get("bad").verified == first
    assert registry.verify("good:1").ok
    assert not registry.verify("bad:1").ok


def test_verify_tells_its_progress(registry: Registry, folder: Path) -> None:
    registry.register(Registration(name="x", path=str(folder)))
    seen: list[tuple[int, int]] = []
    report = registry.verify("x", lambda done, total: seen.append((done, total)))
    assert seen[-1] == (report.size, report.size)


@pytest.mark.parametrize("lost", [True, False])
def test_registering_again_heals_lost_and_damaged_bytes(
    registry: Registry, root: Path, file: Path, lost: bool
) -> None:
    model = registry.register(Registration(name="x", path=str(file)))
    if lost:
        blob(root, model.files[0]).unlink()
    else:
        damage(blob(root, model.files[0]), b"other")
    assert not registry.verify().ok
    registry.register(Registration(name="x", path=str(file)))
    assert registry.verify().ok


def test_difference_names_files_and_fields(registry: Registry, folder: Path) -> None:
    registry.register(Registration(name="x", path=str(folder), tags={"a": "1", "b": "1"}))
    (folder / "added").write_text("new")
    (folder / "empty").unlink()
    (folder / "model.h5").write_text("changed")
    registry.register(
        Registration(
            name="x",
            path=str(folder),
            tags={"a": "2"},
            properties={"p": "1"},
            description="Better",
            framework=Framework.TFKERAS,
        )
    )
    found = registry.diff("x:1", "x:2")
    assert [file.path for file in found.added] == ["models/added"]
    assert [file.path for file in found.removed] == ["models/empty"]
    assert [(old.path, new.size) for old, new in found.changed] == [("models/model.h5", 7)]
    assert set(found.fields) == {
        ("description", "", "Better"),
        ("framework", "Custom", "TfKeras"),
        ("tag a", "1", "2"),
        ("tag b", "1", ""),
        ("property p", "", "1"),
    }
    assert registry.diff("x:1", "x:1").fields == ()
