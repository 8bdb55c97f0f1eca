"""From an inference config to the environment that is to be built."""

import sys
from pathlib import Path

import pytest

from backends.configs.records import CondaSpec, Environment, InferenceConfig
from backends.errors import InvalidInput, NotFound
from backends.images.environment import EnvironmentPlan, plan_environment
from backends.images.interpreters import OWN
from backends.images.python_pins import FALLBACK

CONDA = "name: e\ndependencies:\n  - numpy=1.26\n  - pip:\n    - azureml-defaults\n    - six\n"


def plan(
    inference: InferenceConfig | None = None,
    base: Path = Path(),
    *,
    builtin: str | None = None,
    framework_version: str = "",
    registered: Environment | None = None,
) -> EnvironmentPlan:
    return plan_environment(
        inference,
        base,
        builtin=builtin,
        framework_version=framework_version,
        lookup=lambda name, _: registered if registered and registered.name == name else None,
    )


def inline(*packages: str, pip: tuple[str, ...] = (), name: str = "e") -> InferenceConfig:
    conda = CondaSpec(packages=packages, pip=pip)
    return InferenceConfig(entry_script="score.py", environment=Environment(name=name, conda=conda))


def test_no_code_onnx_needs_no_build() -> None:
    assert not plan(builtin="onnx").needs_build


def test_no_code_sklearn_gets_the_version_the_model_was_made_with() -> None:
    found = plan(builtin="sklearn", framework_version="1.5.2")
    assert "scikit-learn==1.5.2" in found.requirements
    assert {"numpy", "scipy", "pandas", "joblib"} <= set(found.requirements)
    assert "scikit-learn" in plan(builtin="sklearn").requirements


def test_an_old_sklearn_gets_a_python_that_has_builds_of_it() -> None:
    found = plan(builtin="sklearn", framework_version="0.24.1")
    assert int(found.python.split(".")[1]) < 10
    assert "numpy<2" in found.requirements


def test_a_framework_version_that_is_none_is_named() -> None:
    with pytest.raises(InvalidInput, match="latest"):
        plan(builtin="sklearn", framework_version="latest")


def test_without_an_environment_the_servers_own_python_serves() -> None:
    found = plan(InferenceConfig(entry_script="score.py"))
    assert (found.needs_build, found.python) == (False, OWN)
    assert "own Python" in found.notes[0]


def test_an_environment_with_nothing_left_to_install_needs_no_build() -> None:
    assert not plan(inline(pip=("azureml-defaults",))).needs_build


def test_the_conda_file_lies_in_the_source_directory(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "myenv.yml").write_text(CONDA)
    config = InferenceConfig(
        entry_script="score.py", source_directory="src", conda_file="myenv.yml", runtime="python"
    )
    found = plan(config, tmp_path)
    assert found.requirements == ("numpy==1.26.*", "six")
    assert any("azureml-defaults" in note for note in found.notes)


def test_an_environments_conda_file_counts_too(tmp_path: Path) -> None:
    (tmp_path / "myenv.yml").write_text(CONDA)
    environment = Environment(name="e", conda_file="myenv.yml", variables={"A": "1"})
    found = plan(InferenceConfig(entry_script="score.py", environment=environment), tmp_path)
    assert found.requirements == ("numpy==1.26.*", "six")
    assert found.variables == {"A": "1"}


def test_a_conda_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = InferenceConfig(entry_script="score.py", conda_file="nowhere.yml")
    with pytest.raises(InvalidInput, match=r"nowhere\.yml"):
        plan(config, tmp_path)


def test_a_reference_means_the_registered_one_then_a_curated_one() -> None:
    wanted = Environment(name="mine", reference=True)
    mine = Environment(name="mine", conda=CondaSpec(pip=("six",)))
    config = InferenceConfig(entry_script="score.py", environment=wanted)
    assert plan(config, registered=mine).requirements == ("six",)
    with pytest.raises(NotFound, match="mine") as caught:
        plan(config)
    assert "AzureML-Minimal" in caught.value.fix
    curated = Environment(name="AzureML-Minimal", reference=True)
    assert plan(InferenceConfig(entry_script="score.py", environment=curated)).python


def test_what_only_containers_can_follow_is_noted() -> None:
    config = InferenceConfig(
        entry_script="score.py", base_image="ubuntu:22.04", extra_docker_steps="steps.txt"
    )
    notes = " ".join(plan(config).notes)
    assert "ubuntu:22.04" in notes
    assert "steps.txt" in notes


def test_a_user_managed_environment_is_used_as_it_is() -> None:
    own = Environment(name="e", user_managed=True, interpreter=sys.executable)
    found = plan(InferenceConfig(entry_script="score.py", environment=own))
    assert (found.needs_build, found.interpreter) == (False, Path(sys.executable))


def test_equal_content_has_one_key_whatever_its_order_and_name() -> None:
    first = plan(inline("numpy=1.26", pip=("six", "wheel")))
    second = plan(inline(pip=("wheel", "six", "azureml-defaults", "numpy==1.26.*"), name="other"))
    assert first.key == second.key
    assert first.key != plan(inline("numpy=1.26", pip=("six", "wheel==1"))).key
    assert first.key != plan(inline("python=3.8", "numpy=1.26", pip=("six", "wheel"))).key


def test_an_index_password_is_not_in_the_plans_repr() -> None:
    found = plan(inline(pip=("--extra-index-url https://me:hunter2@example.org/simple", "six")))
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("entry", "python"),
    [("python=3", OWN), ("python", OWN), ("python>=3.6", OWN), (f"python={OWN}", OWN)],
)
def test_a_python_that_ours_meets_is_ours(entry: str, python: str) -> None:
    assert plan(inline(entry, pip=("six",))).python == python


def test_a_patch_version_is_met_by_its_minor_with_a_note() -> None:
    found = plan(inline(f"python={OWN}.1", pip=("six",)))
    assert found.python == OWN
    assert any(f"{OWN}.1" in note for note in found.notes)


def test_a_python_that_is_not_here_is_kept_unless_a_newer_one_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pinned = inline("python=3.5", pip=("six",))
    assert plan(pinned).python == "3.5"
    monkeypatch.setenv(FALLBACK, "nearest")
    found = plan(pinned)
    assert found.python != "3.5"
    assert any("Python 3.5 is not here" in note for note in found.notes)


def test_a_python_pin_that_is_no_version_is_named() -> None:
    with pytest.raises(InvalidInput, match="Python"):
        plan(inline("python=three", pip=("six",)))


def test_the_runtime_spark_needs_pyspark(tmp_path: Path) -> None:
    (tmp_path / "myenv.yml").write_text(CONDA)
    config = InferenceConfig(entry_script="score.py", conda_file="myenv.yml", runtime="spark-py")
    assert "pyspark" in plan(config, tmp_path).requirements
