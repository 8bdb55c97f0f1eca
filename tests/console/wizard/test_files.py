import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.configs.records import ComputeType, DeploymentConfig
from backends.errors import InvalidInput
from backends.services.records import DeployRequest
from backends.targets.catalog import TargetRecord
from backends.workspace import Workspace
from console.app.wizard import checks, files, start
from console.app.wizard.files import Preview
from console.app.wizard.form import Form
from console.app.wizard.preview import marked_lines, state
from console.app.wizard.steps import Packages, Step
from tests.console.wizard.conftest import SCORE


@pytest.fixture
def form(workspace: Workspace, project: Path) -> Form:
    (project / "score.py").write_text(SCORE)
    return start.begin(workspace, DeployRequest(), project)


def preview(form: Form, step: Step) -> Preview:
    return next(each for each in files.previews(form) if each.step is step)


def test_a_file_that_says_the_same_is_shown_as_it_is_written(form: Form, project: Path) -> None:
    text = '{ "entryScript":"score.py" ,\n   "runtime": "python","condaFile": "c.yml"}'
    (project / "inferenceconfig.json").write_text(text)
    (project / "c.yml").write_text("# mine\ndependencies: [numpy]\n")
    form = files.read_inference(form)
    assert preview(form, Step.INFERENCE).text == text
    assert preview(form, Step.ENVIRONMENT).text.startswith("# mine")
    assert not preview(form, Step.INFERENCE).differs
    assert state(preview(form, Step.INFERENCE)) == "as on disk"


def test_a_changed_line_is_marked(form: Form, project: Path) -> None:
    (project / "deploymentconfig.json").write_text(
        '{\n  "computeType": "process",\n  "port": 80\n}\n'
    )
    form = files.read_deployment(form).typed(port="81")
    lines = [line.plain for line in marked_lines(preview(form, Step.DEPLOYMENT))]
    assert lines == ["  {", '    "computeType": "process",', '+   "port": 81', "  }"]
    assert state(preview(form, Step.DEPLOYMENT)) == "lines: 1 new, 1 gone"


def test_nothing_of_a_broken_file_is_lost(form: Form, project: Path) -> None:
    (project / "deploymentconfig.json").write_text(
        '{"computeType":"process","port":"80",\n"containerResourceRequirements":{"cpu":"many"}}'
    )
    form = files.read_deployment(form)
    assert (form.get("port"), form.get("cpu_cores")) == ("80", "many")
    findings = checks.of_step(form, Step.DEPLOYMENT, checks.of_files(form))
    by_field = {finding.field: finding for finding in findings}
    assert by_field["cpu_cores"].error
    assert "deploymentconfig.json:2" in by_field["cpu_cores"].message
    assert not by_field["port"].error
    assert "deploymentconfig.json:1" in by_field["port"].message
    changed = form.typed(cpu_cores="2")
    for known in (checks.of_files(form), checks.of_files(changed)):
        left = checks.of_step(changed, Step.DEPLOYMENT, known)
        assert {finding.field for finding in left} == {"port"}


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"", b"[1]", b"a: [", b"\0" * 9])
def test_a_file_that_is_no_config_is_a_doubt_and_no_fault(
    form: Form, project: Path, content: bytes
) -> None:
    for name in ("inferenceconfig.json", "deploymentconfig.json", "myenv.yml"):
        (project / name).write_bytes(content)
    form = files.read_deployment(files.read_inference(form))
    form = files.read_conda(form.typed(packages=Packages.CONDA, conda_file="myenv.yml"))
    assert checks.of_files(form)
    assert files.previews(form)


def test_a_folder_in_place_of_a_file_is_a_doubt(form: Form, project: Path) -> None:
    (project / "inferenceconfig.json").mkdir()
    assert checks.of_files(files.read_inference(form))


def test_saving_writes_what_was_shown(form: Form, project: Path) -> None:
    form = form.typed(packages=Packages.CONDA, pip_packages="numpy", cpu_cores="0.5")
    for each in files.previews(form):
        files.save(each)
        assert each.path.read_text() == each.text
        assert each.path.parent == project
    read = files.read_deployment(files.read_inference(form))
    assert not any(each.differs for each in files.previews(read))


def test_keys_are_written_for_their_owner_alone_and_never_shown(form: Form) -> None:
    typed = form.typed(primary_key="hunter2hunter2")
    shown = preview(typed, Step.DEPLOYMENT)
    assert "hunter2" not in shown.text
    assert "hunter2" not in repr((typed, shown))
    assert "owner alone" in state(shown)
    files.save(shown)
    assert "hunter2" in shown.path.read_text()
    assert stat.S_IMODE(shown.path.stat().st_mode) == 0o600


def test_a_path_that_cannot_be_written_is_an_error_that_says_so(form: Form, project: Path) -> None:
    shown = preview(form, Step.DEPLOYMENT)
    with pytest.raises(InvalidInput, match="cannot be written"):
        files.save(replace(shown, path=project / "score.py" / "x.json"))


def test_the_target_follows_the_compute_type_of_the_file(form: Form, project: Path) -> None:
    cluster = TargetRecord(name="cluster", kind="aks", workspace="w")
    (project / "deploymentconfig.json").write_text('{"computeType":"AKS","numReplicas":2}')
    assert files.read_deployment(form).get("target") == "=aks"
    attached = replace(form, targets=(*form.targets, cluster))
    read = files.read_deployment(attached)
    assert read.target == cluster
    assert read.deployment_config() == DeploymentConfig(compute_type=ComputeType.AKS, replicas=2)


def test_what_a_form_cannot_hold_is_kept_from_the_file(form: Form, project: Path) -> None:
    edge = TargetRecord(name="edge", kind="iot", workspace="w")
    (project / "deploymentconfig.json").write_text(
        '{"computeType":"iot","iotDeviceId":"d1","amlModule":{"moduleName":"m"},'
        '"routes":{"r":"FROM /x INTO $upstream"}}'
    )
    form = files.read_deployment(replace(form, targets=(*form.targets, edge)))
    assert form.deployment.config is not None
    assert form.typed(description="x").deployment_config() == replace(
        form.deployment.config, description="x"
    )


def test_an_inline_environment_keeps_what_is_not_typed(form: Form, project: Path) -> None:
    (project / "inferenceconfig.json").write_text(
        '{"entryScript":"score.py","environment":{"name":"e","version":"3","environmentVariables":'
        '{"A":"1"},"python":{"condaDependencies":{"name":"p","channels":["c"],"dependencies":'
        '["python=3.11",{"pip":["numpy"]}]}},"docker":{"shmSize":"4g"}}}'
    )
    form = files.read_inference(form)
    assert form.get("packages") == Packages.INLINE
    assert form.inference_config() == form.inference.config
    environment = form.typed(environment_variables="A=2").inference_config()
    assert environment is not None
    assert environment.environment is not None
    assert environment.environment.variables == {"A": "2"}
    assert environment.environment.shm_size == "4g"


def test_a_named_environment_stays_a_reference(form: Form, project: Path) -> None:
    (project / "inferenceconfig.json").write_text(
        '{"entryScript":"score.py","environment":{"name":"myenv"}}'
    )
    form = files.read_inference(form)
    assert form.get("packages") == Packages.NAMED
    assert form.inference_config() == form.inference.config


def test_the_2019_form_survives_the_form(form: Form, project: Path) -> None:
    (project / "inferenceconfig.json").write_text(
        '{"entryScript":"score.py","runtime":"python","extraDockerfileSteps":null,'
        '"enableGpu":false,"baseImage":"b","baseImageRegistry":"mcr.microsoft.com"}'
    )
    form = files.read_inference(form)
    assert form.inference.config is not None
    assert form.inference_config() == form.inference.config
    assert form.get("base_image_registry") == "mcr.microsoft.com"


def test_only_what_was_changed_is_marked_whatever_the_layout_was(form: Form, project: Path) -> None:
    (project / "deploymentconfig.json").write_text('{"computeType":"process","port":80}')
    changed = preview(files.read_deployment(form).typed(port="81"), Step.DEPLOYMENT)
    lines = [line.plain for line in marked_lines(changed)]
    assert [line for line in lines if line.startswith("+")] == ['+   "port": 81']
    assert state(changed) == "lines: 1 new, 1 gone, laid out anew"


def test_keys_that_a_file_holds_are_covered(form: Form, project: Path) -> None:
    text = '{"computeType":"process","keys":{"primaryKey":"hunter2hunter2"}}'
    (project / "deploymentconfig.json").write_text(text)
    form = files.read_deployment(form)
    for each in (form, form.typed(port="80"), form.typed(primary_key="another-key-1")):
        shown = preview(each, Step.DEPLOYMENT)
        assert not {"hunter2hunter2", "another-key-1"} & set(str(shown).split('"'))
        assert "hunter2" not in f"{shown.text}{shown.before}{shown.base}"
    assert "••••" in preview(form, Step.DEPLOYMENT).text
    assert not preview(form, Step.DEPLOYMENT).differs
    assert preview(form.typed(primary_key="another-key-1"), Step.DEPLOYMENT).differs
