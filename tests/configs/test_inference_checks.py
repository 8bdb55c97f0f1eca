"""What an inference config names is there, where it must be, and parses."""

import os
from pathlib import Path
from typing import Any

import pytest

from backends.configs.inference import check_inference
from backends.configs.records import Environment, InferenceConfig, Problem, Severity

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A current directory with `source/sub/score.py` and `score.py`."""
    (tmp_path / "source" / "sub").mkdir(parents=True)
    (tmp_path / "source" / "sub" / "score.py").write_text(SCRIPT)
    (tmp_path / "score.py").write_text(SCRIPT)
    return tmp_path


def check(base: Path, script: str, **keys: Any) -> tuple[Problem, ...]:
    return check_inference(InferenceConfig(entry_script=script, **keys), base)


def said(base: Path, script: str, **keys: str) -> str:
    (problem,) = check(base, script, **keys)
    assert problem.severity is Severity.ERROR
    return problem.message


def test_a_script_is_relative_to_the_current_folder_or_the_source(folder: Path) -> None:
    assert check(folder, "score.py") == ()
    assert check(folder, "sub/score.py", source_directory="./source") == ()


def test_a_missing_script_tells_where_it_was_expected(folder: Path) -> None:
    assert str(folder / "source" / "score.py") in said(
        folder, "score.py", source_directory="source"
    )


def test_a_missing_source_folder_is_told(folder: Path) -> None:
    assert "is not a folder" in said(folder, "score.py", source_directory="nowhere")
    assert "is not a folder" in said(folder, "score.py", source_directory="score.py")


def test_a_script_outside_the_source_is_refused(folder: Path) -> None:
    assert "lies outside" in said(folder, "../score.py", source_directory="source")
    assert "lies outside" in said(folder, str(folder / "score.py"), source_directory="source")
    (folder / "source" / "link.py").symlink_to(folder / "score.py")
    assert "lies outside" in said(folder, "link.py", source_directory="source")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("score.txt", "ends with .txt, not with .py"),
        ("my-score.py", "not a Python identifier"),
        ("1score.py", "not a Python identifier"),
        ("class.py", "a word of Python itself"),
    ],
)
def test_a_script_that_cannot_be_imported_is_told(folder: Path, name: str, fault: str) -> None:
    (folder / name).write_text(SCRIPT)
    assert fault in said(folder, name)


def test_a_syntax_error_tells_file_line_and_how_to_try(folder: Path) -> None:
    (folder / "bad.py").write_text("def init():\n    pass\n\ndef run(data:\n    return 1\n")
    (problem,) = check(folder, "bad.py")
    assert (problem.file, problem.line) == (str(folder / "bad.py"), 4)
    assert "was never closed" in problem.message
    assert "python -m py_compile bad.py" in problem.message


@pytest.mark.parametrize(
    "source",
    [
        b"x = 1\0",
        b"\xff\xfe\xff",
        b"# -*- coding: nonsense -*-\n",
        b"x = " + b"(" * 5000,
        b"x = " + b"-" * 100_000 + b"1",
        b"print 'two'\n",
        b"if 1:\npass\n",
    ],
)
def test_a_hostile_script_is_a_problem_and_nothing_else(folder: Path, source: bytes) -> None:
    (folder / "bad.py").write_bytes(source)
    assert "not Python that parses" in said(folder, "bad.py")


def test_a_script_without_end_is_not_read(folder: Path) -> None:
    with (folder / "big.py").open("wb") as stream:
        stream.truncate(10 * 1024 * 1024 * 1024)
    os.mkfifo(folder / "pipe.py")
    assert "larger than 1 MB" in said(folder, "big.py")
    assert "is not a file" in said(folder, "pipe.py")
    assert "is not a file" in check(folder, "nul\0.py")[0].message


def test_a_strange_escape_is_not_an_error(folder: Path) -> None:
    (folder / "score.py").write_text(SCRIPT + "x = '\\d'\n1 is 1\n")
    assert check(folder, "score.py") == ()


@pytest.mark.parametrize(
    ("source", "defined"),
    [
        ("from inner import run", True),
        ("from inner import *", True),
        ("from inner import go as run", True),
        ("run = print", True),
        ("@decorated\nasync def run(data): ...", True),
        ("if True:\n    def run(data): ...", True),
        ("def init(): ...", False),
        ("class A:\n    def run(self): ...", False),
        ("def init():\n    run = 1", False),
    ],
)
def test_a_script_without_run_warns(folder: Path, source: str, defined: bool) -> None:
    (folder / "score.py").write_text(source)
    problems = check(folder, "score.py")
    assert [p.severity for p in problems] == ([] if defined else [Severity.WARNING])


def test_every_missing_file_is_told_at_once(folder: Path) -> None:
    problems = check(
        folder,
        "nowhere.py",
        source_directory="source",
        conda_file="myenv.yml",
        extra_docker_steps="steps",
    )
    assert [p.key for p in problems] == ["entryScript", "condaFile", "extraDockerfileSteps"]


def test_the_environments_conda_file_is_relative_to_the_source(folder: Path) -> None:
    config = InferenceConfig(
        entry_script="sub/score.py",
        source_directory="source",
        environment=Environment(conda_file="env.yml"),
    )
    (problem,) = check_inference(config, folder)
    assert problem.key == "environment.python.condaDependenciesFile"
    (folder / "source" / "env.yml").touch()
    assert check_inference(config, folder) == ()
