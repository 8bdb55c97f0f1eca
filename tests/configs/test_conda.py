"""Conda files: v1's rules, every breach with its line."""

from pathlib import Path

import pytest

from backends.configs.conda import emit_conda, parse_conda, read_conda
from backends.configs.records import CondaSpec, Severity

FILES = Path(__file__).parent / "files"


def test_a_file_of_the_source_pages_reads_whole() -> None:
    parsed = read_conda(FILES / "myenv.yml")
    assert parsed.problems == ()
    assert parsed.path == FILES / "myenv.yml"
    assert parsed.config == CondaSpec(
        name="project_environment",
        channels=("anaconda", "conda-forge"),
        packages=("python=3.6.2", "scikit-learn=0.20.0"),
        pip=(
            "azureml-defaults>=1.0.45",
            "inference-schema[numpy-support]",
            "--extra-index-url https://packages.example.com/simple",
            "-r more.txt",
            "./wheels/mine-1.0-py3-none-any.whl",
        ),
    )
    assert parsed.config.python == "3.6.2"


def test_a_file_needs_no_channels_and_no_name() -> None:
    parsed = read_conda(FILES / "myenv_no_channels.yml")
    assert parsed.problems == ()
    assert parsed.config is not None
    assert (parsed.config.name, parsed.config.channels) == ("project_environment", ())


def test_nulls_are_absent() -> None:
    text = "name:\nchannels:\ndependencies:\n  - numpy\n  - pip:\nprefix:\nvariables: {A: null}\n"
    parsed = parse_conda(text, "c.yml")
    assert parsed.problems == ()
    assert parsed.config == CondaSpec(packages=("numpy",))


def test_variables_and_prefix_are_kept() -> None:
    text = "name: 7\nvariables: {A: 1, B: on}\nprefix: /opt/x\n"
    assert parse_conda(text, "c.yml").config == CondaSpec(
        name="7", variables={"A": "1", "B": "on"}, prefix="/opt/x"
    )


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("- a\n", 1, "The file must be a mapping"),
        ("name: a\ndependancies: []\n", 2, "dependancies is not a key of a conda file"),
        ("name: a\ndependencies: numpy\n", 2, "dependencies must be a list, and is text"),
        ("dependencies:\n- numpy\n- 3\n", 3, "dependencies[1] must be text, and is a number"),
        ("dependencies:\n- []\n", 2, "dependencies[0] must be text, and is a list"),
        ("dependencies:\n- ''\n", 2, "dependencies[0] is empty"),
        ("dependencies:\n- npm: [a]\n", 2, "dependencies[0].npm is not known here; only pip is"),
        ("dependencies:\n- pip: [a]\n- pip: [b]\n", 3, "the second list of pip requirements"),
        ("dependencies:\n- pip: a\n", 2, "dependencies.pip must be a list, and is text"),
        ("dependencies:\n- pip:\n  - a\n  - {b: c}\n", 4, "dependencies.pip[1] must be text"),
        ("channels: a\n", 1, "channels must be a list"),
        ("channels:\n- 1\n", 2, "channels[0] must be text"),
        ("variables: [a]\n", 1, "variables must be a mapping"),
        ("variables:\n  A: [1]\n", 2, "variables.A must hold text"),
        ("prefix: {}\n", 1, "prefix must hold text"),
    ],
)
def test_a_breach_is_explained(text: str, line: int, said: str) -> None:
    parsed = parse_conda(text, "c.yml")
    (problem,) = parsed.errors
    assert parsed.config is None
    assert problem.line == line
    assert said in problem.message
    assert problem.allowed


def test_every_breach_is_told_at_once() -> None:
    parsed = parse_conda("foo: 1\ndependencies:\n- 1\n- pip: x\nchannels: 3\n", "c.yml")
    assert [problem.line for problem in parsed.errors] == [1, 3, 4, 5]


def test_what_pip_may_not_understand_warns() -> None:
    parsed = parse_conda("dependencies:\n- pip:\n  - numpy = 1.0\n  - pandas\n", "c.yml")
    assert parsed.config == CondaSpec(pip=("numpy = 1.0", "pandas"))
    assert [(p.severity, p.line) for p in parsed.problems] == [(Severity.WARNING, 3)]


@pytest.mark.parametrize(
    "entry",
    [
        "-e .",
        "git+https://example.com/x.git@main",
        "https://example.com/x-1.0-py3-none-any.whl",
        "azureml-sdk[automl]",
        "scikit-learn==0.22.1",
        "a>=1,<2 ; python_version<'3.8'",
        "numpy  # a comment",
    ],
)
def test_what_pip_takes_passes_as_written(entry: str) -> None:
    text = emit_conda(CondaSpec(pip=(entry,)))
    parsed = parse_conda(text, "c.yml")
    assert parsed.problems == ()
    assert parsed.config == CondaSpec(pip=(entry,))


def test_what_is_written_is_a_conda_file() -> None:
    spec = CondaSpec(channels=("conda-forge",), packages=("python=3.8",), pip=("numpy",))
    assert emit_conda(spec) == (
        "name: project_environment\nchannels:\n- conda-forge\n"
        "dependencies:\n- python=3.8\n- pip:\n  - numpy\n"
    )
