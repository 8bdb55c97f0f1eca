"""What is not registered, and that everything wrong is said at once."""

import os
import socket
from pathlib import Path

import pytest

from backends.errors import InvalidInput, PilothouseError, Refused
from backends.registry.records import Registration
from backends.registry.registry import Registry
from backends.targets.records import Resources
from tests.support.registering import staged, stored_blobs


def refusal(registry: Registry, request: Registration) -> PilothouseError:
    """The error of a registration, after which nothing is stored."""
    with pytest.raises((InvalidInput, Refused)) as error:
        registry.register(request)
    assert registry.rows() == ()
    assert error.value.fix
    return error.value


@pytest.mark.parametrize("name", ["", "-x", "_x", "a b", "a/b", "..", "ü", "a\n", "x" * 256])
def test_name_is_as_azure_ml_takes_it(registry: Registry, file: Path, name: str) -> None:
    assert "name" in refusal(registry, Registration(name=name, path=str(file))).what


@pytest.mark.parametrize("name", ["a", "0", "x" * 255, "A-b._c", "sklearn_regression_model.pkl"])
def test_name_that_azure_ml_takes_is_taken(registry: Registry, file: Path, name: str) -> None:
    assert registry.register(Registration(name=name, path=str(file))).name == name


def test_everything_wrong_is_said_at_once(registry: Registry, root: Path, tmp_path: Path) -> None:
    error = refusal(
        registry,
        Registration(
            name="no good",
            path=str(tmp_path / "nowhere"),
            framework_version="1.0",
            tags={"": "x", "bell": "\a"},
            properties={"lone": "\ud800"},
            resources=Resources(cpu=0, memory_gb=-1, gpu=0),
        ),
    )
    lines = error.detail.splitlines()
    assert len(lines) == 9
    for part in ("'no good'", "nowhere does not exist", "framework version", "tag has an empty"):
        assert part in error.detail
    for part in ("'bell'", "'lone'", "cpu is 0", "memory is -1", "gpu is 0"):
        assert part in error.detail
    assert isinstance(error, InvalidInput)
    assert stored_blobs(root) == set()
    assert staged(root) == []


def test_link_inside_is_stored_as_what_it_points_to(registry: Registry, folder: Path) -> None:
    (folder / "alias.h5").symlink_to("model.h5")
    (folder / "more").symlink_to("parts")
    model = registry.register(Registration(name="x", path=str(folder)))
    files = {file.path: file.sha256 for file in model.files}
    assert files["models/alias.h5"] == files["models/model.h5"]
    assert files["models/more/vocabulary.txt"] == files["models/parts/vocabulary.txt"]


def test_link_to_the_model_itself_is_followed(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "current").symlink_to(folder)
    model = registry.register(Registration(name="x", path=str(tmp_path / "current")))
    assert model.files[0].path == "current/copy.h5"


@pytest.mark.parametrize("target", ["../outside", "/etc/passwd", "parts/../../outside"])
def test_link_that_leaves_the_folder_is_refused(
    registry: Registry, folder: Path, tmp_path: Path, target: str
) -> None:
    (tmp_path / "outside").write_text("secret")
    (folder / "link").symlink_to(target)
    error = refusal(registry, Registration(name="x", path=str(folder)))
    assert isinstance(error, Refused)
    assert "link that leaves" in error.what


def test_link_to_a_folder_above_is_refused(registry: Registry, folder: Path) -> None:
    (folder / "parts" / "up").symlink_to("..")
    assert "contains itself" in refusal(registry, Registration(name="x", path=str(folder))).what


def test_link_to_nothing_is_named(registry: Registry, folder: Path) -> None:
    (folder / "broken").symlink_to("gone")
    assert "broken" in refusal(registry, Registration(name="x", path=str(folder))).what


def test_fifos_and_sockets_are_refused(
    registry: Registry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("door")
        error = refusal(registry, Registration(name="x", path=str(folder)))
    assert isinstance(error, Refused)
    assert "pipe is a fifo" in error.what
    assert "door is a socket" in error.what


def test_device_is_refused(registry: Registry) -> None:
    assert "device" in refusal(registry, Registration(name="x", path="/dev/null")).what


@pytest.mark.parametrize(
    "child", ["../models", "parts/../../x", "/etc/passwd", "nowhere", "..", "pa\nrts"]
)
def test_child_that_is_not_inside_is_refused(registry: Registry, folder: Path, child: str) -> None:
    refusal(registry, Registration(name="x", path=str(folder), child_paths=(child,)))


def test_children_of_a_file_are_refused(registry: Registry, file: Path) -> None:
    error = refusal(registry, Registration(name="x", path=str(file), child_paths=("a",)))
    assert "is a file" in error.what


def test_names_that_differ_in_case_only_are_refused(registry: Registry, folder: Path) -> None:
    (folder / "MODEL.h5").write_text("")
    (folder / "Parts").mkdir()
    (folder / "Parts" / "other").write_text("")
    error = refusal(registry, Registration(name="x", path=str(folder)))
    assert "models/MODEL.h5 and models/model.h5" in error.detail
    assert "models/Parts" in error.detail


def test_name_that_is_not_utf8_is_refused(registry: Registry, folder: Path) -> None:
    (Path(os.fsdecode(bytes(folder) + b"/bad\xff"))).write_text("")
    assert "not UTF-8" in refusal(registry, Registration(name="x", path=str(folder))).what


def test_text_that_cannot_be_stored_is_refused(registry: Registry, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/bad\xff"))
    folder.mkdir()
    (folder / "model.dat").write_text("")
    request = Registration(name="x", path=str(folder / "model.dat"), description="\ud800")
    error = refusal(registry, request)
    assert "the path is not UTF-8" in error.what
    assert "the description is not UTF-8" in error.what


def test_name_with_control_characters_is_refused(registry: Registry, folder: Path) -> None:
    (folder / "a\x1b[31m").write_text("")
    error = refusal(registry, Registration(name="x", path=str(folder)))
    assert "control characters" in error.what
    assert "\x1b" not in error.what


def test_empty_folder_is_refused(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "hollow").mkdir()
    error = refusal(registry, Registration(name="x", path=str(tmp_path / "hollow")))
    assert "holds no file" in error.what
