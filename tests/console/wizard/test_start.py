import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.configs.records import ComputeType, CondaSpec, Environment, InferenceConfig
from backends.demo.manifest import FOLDER
from backends.errors import NotFound
from backends.registry.records import Registration
from backends.services.drafts import Draft
from backends.services.records import DeployRequest
from backends.workspace import Workspace
from console.app.wizard import start
from console.app.wizard.form import Form
from tests.console.wizard.conftest import SCORE


def begin(workspace: Workspace, *models: str, **more: object) -> Form:
    request = replace(DeployRequest(models=models), **more)
    return start.begin(workspace, request, Path.cwd())


def test_an_onnx_model_starts_without_code_on_this_machine(workspace: Workspace) -> None:
    form = begin(workspace, "digits")
    request = form.request()
    assert form.models == ("digits:2",)
    assert request.inference is None
    assert (request.name, request.inference_file, request.deployment_file) == ("digits", "", "")
    assert form.compute is ComputeType.PROCESS


def test_configs_beside_the_model_are_taken(workspace: Workspace) -> None:
    form = begin(workspace, "wine:1")
    assert form.folder == FOLDER / "wine"
    inference = form.inference_config()
    assert inference is not None
    assert (inference.entry_script, inference.source_directory) == ("score.py", "./source")
    assert form.deployment_config().resources.cpu == 0.5
    assert form.request().base == str(FOLDER / "wine")


def test_a_conda_file_beside_the_script_is_read(workspace: Workspace) -> None:
    form = begin(workspace, "diabetes")
    spec = form.conda_spec()
    assert spec is not None
    assert "inference-schema[numpy-support]" in spec.pip
    assert form.get("conda_file") == "myenv.yml"


def test_a_script_beside_an_onnx_model_is_used(workspace: Workspace, project: Path) -> None:
    shutil.copy(FOLDER / "digits/2/model.onnx", project / "net.onnx")
    (project / "score.py").write_text(SCORE)
    workspace.registry.register(Registration(name="net", path=str(project / "net.onnx")))
    inference = begin(workspace, "net").inference_config()
    assert inference is not None
    assert inference.entry_script == "score.py"


def test_without_a_model_the_current_folder_is_looked_at(
    workspace: Workspace, project: Path
) -> None:
    (project / "score.py").write_text(SCORE)
    form = begin(workspace)
    assert form.get("entry_script") == "score.py"
    assert form.request().models == ()


def test_a_model_that_is_not_there_is_named(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="nothing-like-it"):
        begin(workspace, "nothing-like-it")


def test_a_request_s_own_configs_win_over_files(workspace: Workspace) -> None:
    environment = Environment(
        name="mine", variables={"A": "b"}, conda=CondaSpec(pip=("numpy",)), base_image="img"
    )
    inference = InferenceConfig(entry_script="x.py", environment=environment)
    form = begin(workspace, "wine", inference=inference, name="other")
    assert form.inference_config() == inference
    assert form.request().name == "other"


def test_a_draft_comes_back_over_the_files(workspace: Workspace) -> None:
    opened = begin(workspace, "wine")
    draft = Draft(subject="wine:1", step="target", values={"cpu_cores": "x", "port": "1"}, saved=1)
    form = start.resume(opened, draft)
    assert (form.get("cpu_cores"), form.get("port")) == ("x", "1")
    assert form.get("entry_script") == "score.py"
