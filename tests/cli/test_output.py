"""What reaches stdout: formats, queries, tables, and nothing that commands a terminal."""

import json

import pytest
import yaml

from console.cli.output import Output
from console.cli.tables import grid, sheet
from tests.support.commandline import CommandLine

KEYS = ["name", "id", "version", "framework", "frameworkVersion", "createdTime"]


@pytest.fixture(scope="module")
def models(shared: CommandLine) -> CommandLine:
    """Two models, one of them with tags."""
    shared("model", "register", "-n", "words", "-p", "models", "--tag", "area=text")
    shared("model", "register", "-n", "other", "-p", "models/words.txt")
    return shared


def test_in_a_pipe_the_result_is_json(models: CommandLine) -> None:
    """Lists are arrays, the newest first; stderr stays empty."""
    ran = models("model", "list")
    assert [row["id"] for row in ran.data] == ["other:1", "words:1"]
    assert list(ran.data[0]) == KEYS
    assert ran.err == ""


def test_a_table_has_headers_and_rows(models: CommandLine) -> None:
    """As `-o table` gives it also in a pipe."""
    head, line, first, second = models("model", "list", "-o", "table").out.splitlines()
    assert head.split()[:2] == ["Name", "Version"]
    assert set(line) == {"-", " "}
    assert first.startswith("other")
    assert "area=text" in second


def test_yaml_says_the_same_as_json(models: CommandLine) -> None:
    """Key by key."""
    text = models("model", "show", "-i", "words:1", "-o", "yaml").out
    assert yaml.safe_load(text) == models.data("model", "show", "-i", "words:1")


def test_none_prints_nothing(models: CommandLine) -> None:
    """The exit code tells all."""
    ran = models("model", "list", "-o", "none")
    assert (ran.code, ran.out) == (0, "")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("[0].id", "other:1\n"),
        ("[].id", "other:1\nwords:1\n"),
        ("[].[name, version]", "other\t1\nwords\t1\n"),
        ("[].{b: name, a: version}", "other\t1\nwords\t1\n"),
        ("[0].frameworkVersion", ""),
        ("[0].[name, frameworkVersion]", "other\nNone\n"),
        ("length(@)", "2\n"),
        ("[?name=='none'].id", ""),
    ],
)
def test_queries_and_tab_separated_values_serve_scripts(
    query: str, text: str, models: CommandLine
) -> None:
    """`--query "[0].id" -o tsv` is what scripts for `az ml` do."""
    assert models("model", "list", "--query", query, "-o", "tsv").out == text


def test_tab_separated_values_are_as_azure_cli_writes_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No headers; None by its name, a nested list by its length, a nested object by nothing."""
    rows = [{"a": None, "b": [1, 2], "c": {"d": 1}, "e": True, "f": "x\ty"}]
    Output(format="tsv", chosen=True, query=None).emit(rows)
    Output(format="tsv", chosen=True, query=None).emit([True, None])
    assert capsys.readouterr().out == "None\t2\t\tTrue\tx y\ntrue\nNone\n"


def test_a_wrong_query_is_refused_before_anything_is_done(models: CommandLine) -> None:
    """Nothing was registered by the line that had it."""
    ran = models("model", "register", "-n", "third", "-p", "models", "--query", "[")
    assert ran.code == 2
    assert "JMESPath" in ran.err
    assert models.data("model", "list", "-n", "third") == []


def test_a_query_that_does_not_fit_is_told(models: CommandLine) -> None:
    """A function that gets the wrong type."""
    ran = models("model", "list", "--query", "length(`1`)")
    assert ran.code == 2
    assert "does not fit" in ran.err


def test_a_grid_aligns_numbers_right_and_wide_text_by_its_width() -> None:
    """Columns stand under each other whatever is in them."""
    rows = [{"name": "数字", "n": 5}, {"name": "wine", "n": 12}]
    assert grid(rows) == "Name  N\n----  --\n数字   5\nwine  12".replace("Name  N", "Name   N")


def test_cells_hold_no_control_characters() -> None:
    """Names and reasons come from outside."""
    assert "\x1b" not in grid([{"a": "\x1b[31mred\x1b[0m"}])
    assert "\x1b" not in sheet({"a": "\x1b]0;title\x07x"})


def test_on_a_terminal_a_table_is_the_default_and_nothing_commands_it(
    models: CommandLine,
) -> None:
    """A description with escape sequences is drawn without them in every format."""
    hostile = "a\x1b[2Jb\x1b]0;owned\x07c"
    models("model", "update", "-i", "words:1", "--description", hostile)
    for form in ([], ["-o", "json"], ["-o", "tsv"], ["-o", "yaml"]):
        ran = models.on_terminal("model", "show", "-i", "words:1", *form)
        assert ran.code == 0, ran.out
        assert "\x1b" not in ran.out
        assert "words" in ran.out
    assert models.on_terminal("model", "list").out.startswith("Name")


def test_no_color_is_heeded(models: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """jsonc has colours on a terminal, and none with NO_COLOR or in a pipe."""
    assert "\x1b[" in models.on_terminal("model", "list", "-o", "jsonc").out
    assert "\x1b" not in models("model", "list", "-o", "jsonc").out
    plain = models.environment() | {"NO_COLOR": "1"}
    monkeypatch.setattr(models, "environment", lambda: plain)
    text = models.on_terminal("model", "list", "-o", "jsonc").out
    assert "\x1b" not in text
    assert json.loads(text)[0]["id"] == "other:1"
