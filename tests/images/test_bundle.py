"""The bundle's layout is Azure ML v1's app root."""

import os
from pathlib import Path

import pytest

from backends.errors import Refused
from backends.images.bundle import BundleSource, LocalModel, model_dir, stage_bundle
from backends.targets.records import ModelRef


def _materialize(model: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "model.bin").write_text(model)


def _project(folder: Path) -> Path:
    source = folder / "source_dir"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "score.py").write_text("def init(): ...\n")
    (source / "labels.txt").write_text("a\nb\n")
    return source


def test_models_and_source_lie_where_scripts_look(tmp_path: Path) -> None:
    """Registered models by name and version, the source folder under its own name."""
    source = BundleSource(
        models=(ModelRef("one", 3), ModelRef("two", 1)), source_directory=_project(tmp_path)
    )
    root = stage_bundle(source, tmp_path / "app", _materialize)
    assert (root / "azureml-models/one/3/model.bin").read_text() == "one:3"
    assert (root / "azureml-models/two/1/model.bin").read_text() == "two:1"
    assert (root / "source_dir/sub/score.py").is_file()
    assert (root / "source_dir/labels.txt").read_text() == "a\nb\n"


def test_a_local_folder_model_keeps_its_name_below_version_0(tmp_path: Path) -> None:
    """As Azure ML's local deployments laid unregistered paths out."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "w.npz").write_bytes(b"1")
    source = BundleSource(
        models=(ModelRef("models", 0),), local_models=(LocalModel(name="models", path=folder),)
    )
    root = stage_bundle(source, tmp_path / "app", _materialize)
    assert (root / "azureml-models/models/0/models/w.npz").read_bytes() == b"1"


def test_a_lone_script_lies_at_the_root(tmp_path: Path) -> None:
    """Without a source directory only the script is packed."""
    script = _project(tmp_path) / "sub" / "score.py"
    root = stage_bundle(BundleSource(entry_script=script), tmp_path / "app", _materialize)
    assert sorted(p.name for p in root.iterdir()) == ["azureml-models", "score.py"]


def test_a_link_to_a_folder_inside_the_source_still_leads_there(tmp_path: Path) -> None:
    """In the copy, and in a copy of the copy."""
    project = _project(tmp_path)
    (project / "alias").symlink_to(project / "sub")
    root = stage_bundle(BundleSource(source_directory=project), tmp_path / "1", _materialize)
    again = stage_bundle(BundleSource(earlier=root), tmp_path / "2", _materialize)
    for made in (root, again):
        script = made / "source_dir/alias/score.py"
        assert script.resolve() == made / "source_dir/sub/score.py"


def test_an_update_of_the_model_takes_the_deployed_source_over(tmp_path: Path) -> None:
    """Even when the user's own folder has changed since."""
    project = _project(tmp_path)
    first = stage_bundle(
        BundleSource(models=(ModelRef("m", 1),), source_directory=project),
        tmp_path / "1" / "app",
        _materialize,
    )
    (project / "labels.txt").write_text("changed")
    second = stage_bundle(
        BundleSource(models=(ModelRef("m", 2),), earlier=first),
        tmp_path / "2" / "app",
        _materialize,
    )
    assert (second / "source_dir/labels.txt").read_text() == "a\nb\n"
    assert (second / "azureml-models/m/2/model.bin").is_file()
    assert not (second / "azureml-models/m/1").exists()


def test_a_source_directory_that_holds_the_workspace_is_not_copied_into_itself(
    tmp_path: Path,
) -> None:
    """State kept below the project folder stays out of the bundle."""
    (tmp_path / "score.py").write_text("")
    root = stage_bundle(
        BundleSource(source_directory=tmp_path), tmp_path / "state" / "1" / "app", _materialize
    )
    assert (root / tmp_path.name / "score.py").is_file()
    assert not (root / tmp_path.name / "state" / "1").exists()


def test_a_link_that_leaves_the_source_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    """Nothing outside the folder is packed."""
    project = _project(tmp_path)
    (project / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="passwd"):
        stage_bundle(BundleSource(source_directory=project), tmp_path / "app", _materialize)
    assert not (tmp_path / "app").exists()


def test_a_pipe_in_the_source_is_refused(tmp_path: Path) -> None:
    """Reading it would block for ever."""
    project = _project(tmp_path)
    os.mkfifo(project / "pipe")
    with pytest.raises(Refused, match="pipe"):
        stage_bundle(BundleSource(source_directory=project), tmp_path / "app", _materialize)


def test_one_model_names_its_folder_and_several_their_parent() -> None:
    """AZUREML_MODEL_DIR's two meanings."""
    assert model_dir((ModelRef("m", 4),)) == "azureml-models/m/4"
    assert model_dir((ModelRef("m", 4), ModelRef("n", 1))) == "azureml-models"
    assert model_dir(()) == "azureml-models"
