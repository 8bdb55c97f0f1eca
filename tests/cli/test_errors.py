"""How errors are told: two lines, an exit code, a traceback only when asked for."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from backends.errors import (
    InvalidInput,
    NotFound,
    PilothouseError,
    ScoringFailed,
    Unavailable,
    WaitTimeout,
)
from backends.services.records import RunFailed, Stage
from console.cli.errors import report
from console.cli.failure import LINES, card
from tests.support.commandline import CommandLine


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("It is not there.", fix="Look."), 1),
        (InvalidInput("It is wrong.", fix="Look."), 2),
        (click.UsageError("It is wrong."), 2),
        (Unavailable("It does not answer.", fix="Wait."), 3),
        (ScoringFailed("No answer.", fix="Wait."), 3),
        (WaitTimeout("Too long.", fix="Wait again."), 124),
        (PermissionError(13, "Permission denied", "/some/file"), 1),
        (KeyError("x"), 1),
    ],
)
def test_every_error_has_its_exit_code_and_two_lines(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What and why, then what to do; nothing on stdout."""
    assert report(error, debug=False) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert [line[:7] for line in err.splitlines()] == ["error: ", "  fix: "]


def test_the_traceback_is_there_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """With the detail that the error carries."""
    report(PilothouseError("It broke.", fix="Mend it.", detail="one\nline two"), debug=True)
    err = capsys.readouterr().err
    assert "PilothouseError: It broke." in err
    assert "line two" in err


def test_all_problems_of_an_input_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each."""
    report(InvalidInput("2 problems.", fix="Mend them.", detail="one\ntwo"), debug=False)
    assert capsys.readouterr().err.splitlines()[2:] == ["  ┆ one", "  ┆ two"]


def test_an_error_never_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Names in it come from outside."""
    report(NotFound("No \x1b[2Jmodel\x9b31m 'x\r\ny'.", fix="\x1b]0;t\x07Look."), debug=False)
    err = capsys.readouterr().err
    assert {"\x1b", "\x9b", "\r"}.isdisjoint(err)
    assert len(err.splitlines()) == 2


def test_a_failure_card_shows_the_end_of_a_long_output(capsys: pytest.CaptureFixture[str]) -> None:
    """And says that there was more."""
    detail = "\n".join(f"line {number}" for number in range(100))
    error = PilothouseError("The build failed.", fix="Mend it.", detail=detail)
    card(RunFailed(stage=Stage.ENVIRONMENT, error=error, service=None))
    err = capsys.readouterr().err
    assert "environment: The build failed." in err
    assert "line 99" in err
    assert "line 50" not in err
    assert f"last {LINES} of 100 lines" in err


def test_a_fault_of_our_own_is_one_line_and_shows_its_traceback_with_debug(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is raised inside a command."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr("backends.workspace.Workspace.open", broken)
    ran = cli("model", "list")
    assert (ran.code, ran.out) == (1, "")
    assert "ZeroDivisionError: by chance" in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in cli("model", "list", "--debug").err


def test_a_home_that_cannot_be_made_is_told(cli: CommandLine) -> None:
    """With its path, without a traceback."""
    cli.home.write_text("a file")
    ran = cli("model", "list")
    assert ran.code == 1
    assert str(cli.home) in ran.err
    assert "Traceback" not in ran.err
    cli.home.unlink()


def test_an_output_that_lacks_characters_is_no_obstacle(cli: CommandLine) -> None:
    """Glyphs and names are escaped there."""
    cli("model", "register", "-n", "words", "-p", "models", "-d", "数字")
    western = cli.environment() | {"PYTHONIOENCODING": "latin-1:strict"}
    done = subprocess.run(
        [sys.executable, "-m", "console", "model", "show", "words"],
        env=western,
        cwd=cli.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "\\u6570" in done.stdout


def test_words_that_are_no_text_are_refused(cli: CommandLine) -> None:
    """Bytes that are not UTF-8 cannot be stored."""
    ran = cli("model", "register", "-n", "words", "-p", "models", "-d", "\udcff")
    assert ran.code == 2
    assert "UTF-8" in ran.err


@pytest.mark.parametrize("content", ["", "{", "[]", "nul\0", '{"modelId": 5}', "[" * 100_000])
def test_damaged_metadata_files_are_told(content: str, cli: CommandLine) -> None:
    """Each ends with 2."""
    Path(cli.folder / "r.json").write_text(content)
    ran = cli("model", "deploy", "-f", "r.json", "--ic", "inferenceconfig.json")
    assert ran.code == 2
    assert "r.json" in ran.err
    assert "Traceback" not in ran.err


def test_progress_json_tells_a_failure_too(cli: CommandLine) -> None:
    """The last object has stage, sentence and fix."""
    (cli.folder / "src" / "score.py").write_text("def init():\n    raise ValueError('x')\n")
    line = "model deploy -n words --ic inferenceconfig.json --progress json"
    ran = cli(*line.split())
    assert ran.code == 1
    told = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    assert (told[-1]["event"], told[-1]["stage"]) == ("failed", "start")
