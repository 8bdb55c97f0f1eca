"""What a registration stores, and under which names."""

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backends.database import Database
from backends.errors import Conflict, NotFound
from backends.registry.records import Framework, Registration
from backends.registry.registry import Registry
from backends.targets.records import Resources
from tests.support.registering import staged, stored_blobs


def test_single_file_lies_at_the_root(registry: Registry, file: Path) -> None:
    model = registry.register(Registration(name="sklearn_model.pkl", path=str(file)))
    (stored,) = model.files
    assert (stored.path, stored.size) == ("model.dat", 8)
    assert stored.sha256 == hashlib.sha256(b"one file").hexdigest()
    assert (model.id, model.framework) == ("sklearn_model.pkl:1", Framework.CUSTOM)


def test_folder_keeps_its_own_name(registry: Registry, folder: Path) -> None:
    model = registry.register(Registration(name="sentiment", path=str(folder)))
    assert [file.path for file in model.files] == [
        "models/copy.h5",
        "models/empty",
        "models/model.h5",
        "models/parts/vocabulary.txt",
    ]


@pytest.mark.parametrize("written", ["{}/", "{}/../models", "{}/."])
def test_folder_keeps_its_own_name_however_it_is_written(
    registry: Registry, folder: Path, written: str
) -> None:
    model = registry.register(Registration(name="x", path=written.format(folder)))
    assert model.files[0].path == "models/copy.h5"


def test_folder_that_is_the_current_one_has_its_real_name(
    registry: Registry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert registry.register(Registration(name="x", path=".")).files[0].path == "models/copy.h5"
    monkeypatch.chdir(folder / "parts")
    assert registry.register(Registration(name="x", path="..")).files[0].path == "models/copy.h5"


def test_only_chosen_children_are_stored(registry: Registry, folder: Path) -> None:
    model = registry.register(
        Registration(name="x", path=str(folder), child_paths=("parts", "./model.h5", "model.h5"))
    )
    assert [f.path for f in model.files] == ["models/model.h5", "models/parts/vocabulary.txt"]


def test_every_field_is_kept(registry: Registry, file: Path) -> None:
    request = Registration(
        name="full",
        path=str(file),
        description="What it is",
        framework=Framework.TENSORFLOW,
        framework_version="2.15",
        tags={"area": "mnist", "note": "two\nlines"},
        properties={"accuracy": "0.9"},
        resources=Resources(cpu=0.5, memory_gb=1.5, gpu=1),
        sample_input='{"data": [1]}',
        sample_output="dataset-id",
    )
    made = registry.register(request)
    assert registry.get("full") == made
    for field in ("description", "framework", "framework_version", "tags", "properties"):
        assert getattr(made, field) == getattr(request, field)
    assert made.resources == request.resources
    assert (made.sample_input, made.sample_output) == ('{"data": [1]}', "dataset-id")
    assert made.source.path == str(file)
    assert made.created_by


def test_versions_count_up_and_are_never_given_out_again(registry: Registry, file: Path) -> None:
    request = Registration(name="x", path=str(file))
    assert [registry.register(request).version for _ in range(3)] == [1, 2, 3]
    registry.delete("x:3")
    assert registry.get("x").version == 2
    for version in (1, 2):
        registry.delete(f"x:{version}")
    with pytest.raises(NotFound):
        registry.get("x")
    assert registry.register(request).version == 4
    assert registry.register(Registration(name="X", path=str(file))).version == 1


def test_same_bytes_are_stored_once_and_read_only(
    registry: Registry, root: Path, folder: Path
) -> None:
    first = registry.register(Registration(name="x", path=str(folder)))
    second = registry.register(Registration(name="y", path=str(folder)))
    assert first.digest == second.digest
    assert stored_blobs(root) == {file.sha256 for file in first.files}
    assert len(stored_blobs(root)) == 3
    for blob in (root / "blobs" / "sha256").glob("??/*"):
        assert stat.S_IMODE(blob.stat().st_mode) == 0o444
        assert blob.parent.name == blob.name[:2]
    assert staged(root) == []


def test_progress_counts_bytes_up_to_the_total(registry: Registry, folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    model = registry.register(
        Registration(name="x", path=str(folder)), lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (model.size, model.size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_framework_is_guessed_from_an_onnx_file(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "Model.ONNX"
    path.write_bytes(b"")
    model = registry.register(Registration(name="x", path=str(path)))
    assert (model.framework, model.framework_version) == (Framework.ONNX, "")
    custom = Registration(name="x", path=str(path), framework=Framework.CUSTOM)
    assert registry.register(custom).framework is Framework.CUSTOM


def test_file_that_changes_while_it_is_read_is_not_stored(
    registry: Registry, root: Path, tmp_path: Path
) -> None:
    path = tmp_path / "growing.bin"
    path.write_bytes(bytes(9 * 1024 * 1024))

    def grow(done: int, total: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(Conflict, match="changed while it was being read"):
        registry.register(Registration(name="x", path=str(path)), grow)
    assert stored_blobs(root) == set()
    assert staged(root) == []
    assert registry.rows() == ()


def test_file_that_is_replaced_by_a_link_is_not_followed(
    registry: Registry, root: Path, folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    later = folder / "parts" / "vocabulary.txt"

    def swap(done: int, total: int) -> None:
        if not later.is_symlink():
            later.unlink()
            later.symlink_to(secret)

    with pytest.raises(Exception, match=r"is a link|changed"):
        registry.register(Registration(name="x", path=str(folder)), swap)
    assert registry.rows() == ()


def test_stage_of_a_living_registry_is_not_swept(
    registry: Registry, root: Path, folder: Path
) -> None:
    def open_another(done: int, total: int) -> None:
        Registry(root, Database(root / "workspace.db"))

    model = registry.register(Registration(name="x", path=str(folder)), open_another)
    assert registry.verify().ok
    assert len(model.files) == 4


def test_threads_of_one_registry_register_at_once(registry: Registry, folder: Path) -> None:
    request = Registration(name="x", path=str(folder))
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: registry.register(request).version, range(12)))
    assert sorted(made) == list(range(1, 13))
    assert registry.verify().ok


# ------------------------------------------------------------------ assets of runs


@pytest.fixture
def runs(root: Path, registry: Registry) -> Path:
    for number, run in enumerate(("older", "newer")):
        outputs = root / "runs" / "myexperiment" / run / "outputs"
        outputs.mkdir(parents=True)
        (outputs / "model.dat").write_text(run)
        os.utime(outputs.parent, (number + 1, number + 1))
    return root / "runs"


def content(registry: Registry, root: Path, id: str) -> str:  # noqa: A002 - the API's word
    (file,) = registry.resolve(id).files
    return (root / "blobs" / "sha256" / file.sha256[:2] / file.sha256).read_text()


@pytest.mark.parametrize(
    ("experiment", "run_id", "found"),
    [
        ("myexperiment", "", "newer"),
        ("myexperiment", "older", "older"),
        ("", "older", "older"),
    ],
)
def test_asset_is_found_in_its_run(
    registry: Registry, root: Path, runs: Path, experiment: str, run_id: str, found: str
) -> None:
    model = registry.register(
        Registration(name="x", path="outputs/model.dat", experiment=experiment, run_id=run_id)
    )
    assert content(registry, root, "x") == found
    assert model.files[0].path == "model.dat"
    assert (model.source.experiment, model.source.run_id) == (experiment, run_id)
    assert model.source.path == "outputs/model.dat"
    assert len(registry.rows(run_id="older")) == (run_id == "older")


def test_asset_is_found_below_the_current_directory(
    registry: Registry, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "m.dat").write_text("here")
    monkeypatch.chdir(tmp_path)
    registry.register(Registration(name="x", path="outputs/m.dat", experiment="e", run_id="r"))
    assert content(registry, root, "x") == "here"


def test_asset_that_is_nowhere_says_where_was_looked(
    registry: Registry, root: Path, runs: Path
) -> None:
    request = Registration(name="x", path="outputs/no", experiment="myexperiment", run_id="newer")
    with pytest.raises(NotFound) as error:
        registry.register(request)
    assert str(root / "runs" / "myexperiment" / "newer" / "outputs" / "no") in error.value.what
    assert str(Path.cwd() / "outputs" / "no") in error.value.what


@pytest.mark.parametrize(
    ("path", "experiment", "run_id"),
    [("../x", "e", "r"), ("/etc/passwd", "e", "r"), ("x", "../e", "r"), ("x", "e", "..")],
)
def test_asset_does_not_leave_its_run(
    registry: Registry, path: str, experiment: str, run_id: str
) -> None:
    with pytest.raises(Exception, match="leaves the folder"):
        registry.register(Registration(name="x", path=path, experiment=experiment, run_id=run_id))
