from pathlib import Path

import pytest

from backends.services.records import DeployRequest
from backends.workspace import Workspace
from console.app.wizard import checks, start
from console.app.wizard.form import Form
from console.app.wizard.standing import standings
from console.app.wizard.steps import Answers, Packages, Step


@pytest.fixture
def form(workspace: Workspace, project: Path) -> Form:
    return start.begin(workspace, DeployRequest(models=("digits:2",)), project)


def fields(form: Form, step: Step) -> set[str]:
    return {row.name for row in form.fields(step)}


def wrong(form: Form, step: Step) -> dict[str, str]:
    return {each.field: each.message for each in checks.of_step(form, step) if each.error}


def marks(form: Form) -> str:
    return "".join(each.mark.text for each in standings(form, ()))


def test_a_suited_model_is_ready_at_once(form: Form) -> None:
    assert marks(form) == "✓✓✓✓✓·"


def test_the_service_is_named_after_the_model_until_it_is_named(form: Form) -> None:
    assert form.typed(models="My_Model:3").get("service_name") == "my-model"
    assert form.typed(service_name="mine").typed(models="wine:1").get("service_name") == "mine"


def test_what_is_wrong_stays_as_typed_and_is_left_out_of_the_config(form: Form) -> None:
    typed = form.typed(port="90000", cpu_cores="1.5")
    assert typed.get("port") == "90000"
    assert typed.deployment_config().port is None
    assert typed.deployment_config().resources.cpu == 1.5
    assert "65535" in wrong(typed, Step.DEPLOYMENT)["port"]
    assert marks(typed) == "✓✓✓✓✖·"


@pytest.mark.parametrize("name", ["Ab", "1abc", "a", "x" * 33, "abc-", "a_b"])
def test_a_bad_service_name_is_told(form: Form, name: str) -> None:
    message = wrong(form.typed(service_name=name), Step.MODEL)["service_name"]
    assert "3 to 32 lower-case letters" in message


def test_fields_follow_what_was_answered(form: Form) -> None:
    assert fields(form, Step.INFERENCE) == {"answers"}
    assert fields(form, Step.ENVIRONMENT) == set()
    script = form.typed(answers=Answers.SCRIPT)
    assert "entry_script" in fields(script, Step.INFERENCE)
    assert fields(script, Step.ENVIRONMENT) == {"packages"}
    conda = script.typed(packages=Packages.CONDA)
    assert {"conda_file", "pip_packages", "runtime"} <= fields(conda, Step.ENVIRONMENT)
    assert (conda.get("conda_file"), conda.get("runtime")) == ("myenv.yml", "python")


def test_a_missing_entry_script_is_what_the_step_needs(form: Form) -> None:
    script = form.typed(answers=Answers.SCRIPT)
    standing = standings(script, ())[1]
    assert (standing.mark.text, standing.summary.text) == ("✖", "needs entry script")


def test_a_missing_file_name_is_named_as_the_form_does(form: Form) -> None:
    """The review lists it away from its field."""
    nameless = form.typed(answers=Answers.SCRIPT, inference_file="")
    assert wrong(nameless, Step.INFERENCE)["inference_file"] == "Inference file is needed."


def test_no_code_is_for_exactly_one_model(form: Form) -> None:
    assert "one model, not 2" in wrong(form.typed(models="a:1\nb:2"), Step.INFERENCE)["answers"]


def test_a_named_environment_needs_its_name(form: Form) -> None:
    named = form.typed(answers=Answers.SCRIPT, packages=Packages.NAMED)
    assert wrong(named, Step.ENVIRONMENT) == {"environment_name": "A name is needed."}


def test_a_target_that_is_not_attached_says_how_to_attach_it(form: Form) -> None:
    typed = form.typed(target="=aks")
    assert "computetarget attach aks" in wrong(typed, Step.TARGET)["target"]


def test_a_taken_name_asks_whether_to_replace(form: Form) -> None:
    taken = Form(values=form.values, targets=form.targets, services=frozenset({"digits"})).typed()
    assert "overwrite" in fields(taken, Step.MODEL)
    assert "exists already" in wrong(taken, Step.MODEL)["overwrite"]
    assert not wrong(taken.typed(overwrite="true"), Step.MODEL)
    assert taken.typed(overwrite="true").request().overwrite
    assert not wrong(taken.typed(service_name="other"), Step.MODEL)


def test_whole_checks_place_their_findings_at_the_fields(form: Form, project: Path) -> None:
    script = form.typed(answers=Answers.SCRIPT, entry_script="gone.py", cpu_cores="2")
    script = script.typed(cpu_cores_limit="1")
    found = {(each.step, each.field) for each in checks.of_whole(script) if each.error}
    assert (Step.INFERENCE, "entry_script") in found
    assert any(step is Step.DEPLOYMENT for step, _ in found)


def test_a_folder_that_is_not_there_is_told(form: Form) -> None:
    found = checks.of_whole(form.typed(folder="gone"))
    assert [(each.step, each.field) for each in found] == [(Step.MODEL, "folder")]


def test_a_conda_file_to_be_written_says_how(form: Form, project: Path) -> None:
    (project / "score.py").write_text("def run(data): return 1\n")
    conda = form.typed(
        answers=Answers.SCRIPT, entry_script="score.py", packages=Packages.CONDA, pip_packages="x"
    )
    (finding,) = checks.of_whole(conda)
    assert (finding.step, finding.field) == (Step.ENVIRONMENT, "conda_file")
    assert "ctrl+s writes it" in finding.message
