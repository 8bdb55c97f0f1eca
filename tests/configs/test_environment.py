"""Environments: JSON, references, and saved folders."""

import json
from pathlib import Path

from backends.configs.environment import (
    emit_environment,
    parse_environment,
    read_environment_directory,
    write_environment_directory,
)
from backends.configs.records import CondaSpec, Environment, ImageRegistry, Severity

FILES = Path(__file__).parent / "files"


def test_a_whole_environment_reads_and_writes_the_same_keys() -> None:
    text = (FILES / "environment_full.json").read_text()
    parsed = parse_environment(text, "e.json")
    assert parsed.problems == ()
    assert parsed.config is not None
    written = json.loads(emit_environment(parsed.config))
    assert list(written) == [key for key, value in json.loads(text).items() if value is not None]


def test_only_a_name_is_a_reference() -> None:
    for text, version in (('{"name": "e"}', ""), ('{"name": "e", "version": "2"}', "2")):
        environment = parse_environment(text, "e.json").config
        assert environment == Environment(name="e", version=version, reference=True)
    whole = parse_environment('{"name": "e", "python": {}}', "e.json").config
    assert whole == Environment(name="e")


def test_a_version_may_be_a_number() -> None:
    assert parse_environment("name: e\nversion: 3\n", "e.yml").config == Environment(
        name="e", version="3", reference=True
    )


def test_an_empty_environment_warns() -> None:
    parsed = parse_environment("{}", "e.json")
    assert parsed.config == Environment()
    assert [problem.severity for problem in parsed.problems] == [Severity.WARNING]


def test_variables_are_text_as_written() -> None:
    text = "environmentVariables: {A: 1, B: NO, C: 1.50, D: null, E: x}\n"
    environment = parse_environment(text, "e.yml").config
    assert environment is not None
    assert environment.variables == {"A": "1", "B": "NO", "C": "1.50", "E": "x"}


def test_two_bases_are_an_error_that_names_both() -> None:
    text = """docker:
  baseImage: a
  baseDockerfile: FROM b
  buildContext: {location: c}
"""
    (problem,) = parse_environment(text, "e.json").problems
    assert "docker.baseImage and docker.baseDockerfile and docker.buildContext" in problem.message
    assert problem.line == 3


def test_the_conda_file_counts_before_what_is_inline() -> None:
    text = (
        '{"python": {"condaDependenciesFile": "e.yml", "condaDependencies": {"dependencies": []}}}'
    )
    parsed = parse_environment(text, "e.json")
    assert parsed.config == Environment(conda_file="e.yml")
    assert parsed.problems[0].severity is Severity.WARNING


def test_a_registrys_password_is_written_only_when_asked() -> None:
    environment = Environment(
        image_registry=ImageRegistry(address="a", username="u", password="hush")
    )
    assert "hush" not in emit_environment(environment)
    text = emit_environment(environment, secrets=True)
    assert parse_environment(text, "e.json").config == environment


def test_a_folders_conda_file_and_dockerfile_overrule(tmp_path: Path) -> None:
    (tmp_path / "azureml_environment.json").write_text(
        '{"name": "e", "docker": {"baseImage": "x"}, "python": {"condaDependencies": {}}}'
    )
    (tmp_path / "conda_dependencies.yml").write_text("dependencies: [numpy]\n")
    (tmp_path / "BaseDockerfile").write_text("FROM scratch\n")
    parsed = read_environment_directory(tmp_path)
    assert parsed.problems == ()
    assert parsed.config == Environment(
        name="e", conda=CondaSpec(packages=("numpy",)), base_dockerfile="FROM scratch\n"
    )


def test_a_problem_in_a_folder_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "azureml_environment.json").write_text('{"name": "e"}')
    (tmp_path / "conda_dependencies.yml").write_text("dependencies: 3\n")
    (tmp_path / "BaseDockerfile").write_bytes(b"\xff")
    parsed = read_environment_directory(tmp_path)
    assert parsed.config is None
    assert [(Path(p.file).name, p.line) for p in parsed.errors] == [
        ("conda_dependencies.yml", 1),
        ("BaseDockerfile", 1),
    ]


def test_an_empty_folder_is_a_problem(tmp_path: Path) -> None:
    assert "cannot be read" in read_environment_directory(tmp_path).errors[0].message


def test_saving_again_removes_what_is_gone(tmp_path: Path) -> None:
    write_environment_directory(Environment(name="e", conda=CondaSpec(pip=("a",))), tmp_path)
    write_environment_directory(Environment(name="e"), tmp_path)
    assert read_environment_directory(tmp_path).config == Environment(name="e")
