"""`pilothouse model`: register, find, change, delete, download, verify."""

import json
import stat
from pathlib import Path

import pytest

from tests.support.commandline import CommandLine, write_json

SHOWN = [
    "name",
    "id",
    "version",
    "framework",
    "frameworkVersion",
    "createdTime",
    "tags",
    "properties",
    "description",
    "experimentName",
    "runId",
    "cpu",
    "memoryInGB",
    "gpu",
    "sampleInputDatasetId",
    "sampleOutputDatasetId",
]
SERIALISED = {
    "createdTime",
    "createdBy",
    "description",
    "id",
    "mimeType",
    "name",
    "framework",
    "frameworkVersion",
    "tags",
    "properties",
    "unpack",
    "url",
    "version",
    "experimentName",
    "runId",
    "runDetails",
    "datasets",
    "resourceConfiguration",
    "sampleInputDatasetId",
    "sampleOutputDatasetId",
}


def register(cli: CommandLine, name: str = "words", *more: str) -> str:
    """Register the folder model and give its id."""
    return str(cli.data("model", "register", "-n", name, "-p", "models", *more)["id"])


def test_a_registered_model_is_shown_with_v1s_keys(cli: CommandLine) -> None:
    """All that was said of it, under the keys that scripts read."""
    flags = (
        "--tag area=text --property from=here -d Words --model-framework scikitlearn"
        " --model-framework-version 1.5 --cc 0.5 --gb 1.5 --gc 1"
    )
    made = cli.data("model", "register", "-n", "words", "-p", "models", *flags.split())
    assert list(made) == SHOWN
    assert made == cli.data("model", "show", "-i", "words:1")
    assert made | {"createdTime": ""} == {
        "name": "words",
        "id": "words:1",
        "version": 1,
        "framework": "ScikitLearn",
        "frameworkVersion": "1.5",
        "createdTime": "",
        "tags": {"area": "text"},
        "properties": {"from": "here"},
        "description": "Words",
        "experimentName": None,
        "runId": None,
        "cpu": 0.5,
        "memoryInGB": 1.5,
        "gpu": 1,
        "sampleInputDatasetId": None,
        "sampleOutputDatasetId": None,
    }


def test_v_prints_the_whole_object(cli: CommandLine) -> None:
    """v1's serialised keys, then files and hashes."""
    register(cli)
    whole = cli.data("model", "show", "-i", "words:1", "-v")
    assert whole.keys() >= SERIALISED
    assert [file["path"] for file in whole["files"]] == ["models/words.txt"]
    assert len(whole["files"][0]["sha256"]) == 64


@pytest.mark.parametrize(
    "words",
    [["-i", "words:1"], ["--model-id=words:1"], ["words:1"], ["-n", "words", "--version", "1"]],
)
def test_a_version_is_named_in_every_way(words: list[str], cli: CommandLine) -> None:
    """By option, attached, as a word by itself, or by name and version."""
    register(cli)
    register(cli)
    assert cli.data("model", "show", *words)["version"] == 1
    assert cli.data("model", "show", "-n", "words")["version"] == 2


def test_lists_take_v1s_filters_and_the_consoles(cli: CommandLine) -> None:
    """Name, newest, tags, properties, and the grammar of the filter bar."""
    register(cli, "words", "--tag", "area=text", "--property", "a=b")
    register(cli, "words", "--tag", "area=text", "--tag", "stage=prod")
    register(cli, "other")

    def ids(*words: str) -> list[str]:
        return [row["id"] for row in cli.data("model", "list", *words)]

    assert ids("--model-name=words", "--latest") == ["words:2"]
    assert ids("--tag", "area") == ["words:2", "words:1"]
    assert ids("--tag", "area=text", "--tag", "stage=prod") == ["words:2"]
    assert ids("--property", "a=b") == ["words:1"]
    assert ids("--filter", "area=text !stage=prod") == ["words:1"]
    assert ids("--filter", "oth") == ["other:1"]
    assert ids("--filter", "area=text", "--latest") == ["words:2"]


def test_a_wrong_term_is_named_and_the_rest_applies(cli: CommandLine) -> None:
    """The note goes to stderr, the rows to stdout."""
    register(cli)
    ran = cli("model", "list", "--filter", "words size:>large")
    assert [row["id"] for row in ran.data] == ["words:1"]
    assert ran.err.count("size:>large") == 1


def test_update_changes_tags_and_adds_properties(cli: CommandLine) -> None:
    """A property that exists stays as it is: the line fails and names it."""
    register(cli, "words", "--tag", "a=1", "--tag", "b=2", "--property", "p=1", "--cc", "2")
    line = "--add-tag c=3 --remove-tag a --add-property q=2 --description New --gb 3"
    made = cli.data("model", "update", "-i", "words:1", *line.split())
    assert made["tags"] == {"b": "2", "c": "3"}
    assert made["properties"] == {"p": "1", "q": "2"}
    assert (made["description"], made["cpu"], made["memoryInGB"]) == ("New", 2, 3)
    ran = cli("model", "update", "-i", "words:1", "--add-property", "p=9")
    assert ran.code != 0
    assert "p" in ran.err


def test_delete_needs_a_version_and_its_number_is_never_used_again(cli: CommandLine) -> None:
    """A bare name deletes nothing."""
    register(cli)
    assert cli("model", "delete", "words").code == 2
    assert cli.data("model", "delete", "words:1") == {"id": "words:1"}
    assert cli("model", "show", "-i", "words:1").code == 1
    assert register(cli) == "words:2"


def test_a_missing_model_is_told_with_what_comes_near(cli: CommandLine) -> None:
    """Exit 1, stdout empty also where JSON was asked for."""
    register(cli)
    ran = cli("model", "show", "-i", "word:1", "-o", "json")
    assert (ran.code, ran.out) == (1, "")
    assert "words" in ran.err


def test_download_writes_what_was_registered(cli: CommandLine) -> None:
    """Byte for byte, below the folder's own name; what is there is kept unless said."""
    register(cli)
    path = cli.data("model", "download", "-i", "words:1", "-t", "out")["path"]
    assert (cli.folder / path / "words.txt").read_text() == "one"
    assert cli("model", "download", "words:1", "-t", "out").code == 1
    assert cli("model", "download", "words:1", "-t", "out", "--overwrite").code == 0


def test_verify_finds_a_damaged_file(cli: CommandLine) -> None:
    """Exit 1, with the file and the hash that it should have."""
    register(cli)
    assert cli.data("model", "verify")["damaged"] == []
    blob = next(path for path in (cli.home / "workspaces").rglob("blobs/sha256/*/*"))
    blob.chmod(stat.S_IRUSR | stat.S_IWUSR)
    blob.write_bytes(b"two")
    ran = cli("model", "verify", "words:1")
    assert ran.code == 1
    assert json.loads(ran.out)["damaged"][0]["path"] == "models/words.txt"


def test_two_versions_are_compared(cli: CommandLine) -> None:
    """Files by path and hash."""
    register(cli)
    (cli.folder / "models" / "words.txt").write_text("two")
    (cli.folder / "models" / "more.txt").write_text("more")
    register(cli)
    shown = cli.data("model", "show", "-i", "words:2", "--compare-to", "words:1")
    assert [file["path"] for file in shown["difference"]["added"]] == ["models/more.txt"]
    assert len(shown["difference"]["changed"]) == 1


def test_metadata_files_pass_a_run_in_and_the_id_out(cli: CommandLine) -> None:
    """`register -f` reads what a run left; `-t` writes what `deploy -f` reads."""
    write_json(cli.folder / "run.json", {"run_id": "r1", "_experiment_name": "e1"})
    made = cli.data(
        *[
            "model",
            "register",
            "-n",
            "words",
            "--asset-path",
            "models/words.txt",
            "-f",
            "run.json",
            "-t",
            "out.json",
        ]
    )
    assert (made["experimentName"], made["runId"]) == ("e1", "r1")
    left = json.loads((cli.folder / "out.json").read_text())
    assert (left["modelId"], left["workspaceName"]) == ("words:1", "default")
    assert cli.data("model", "show", "--run-id", "r1")["id"] == "words:1"


def test_wrong_values_are_refused(cli: CommandLine) -> None:
    """Each ends with 2 and registers nothing."""
    for flags in (
        "--model-framework Sklearnn",
        "--tag novalue",
        "--cc 0",
        "--gb minus",
        "--gc 1.5",
        "-f missing.json",
    ):
        assert cli("model", "register", "-n", "w", "-p", "models", *flags.split()).code == 2, flags
    assert cli("model", "show", "-n", "w", "-v", "9").code == 2  # no version: -v takes no value
    assert cli("model", "register", "-n", "-bad", "-p", "models").code == 2
    assert cli("model", "register", "-n", "w", "-p", "missing").code != 0
    assert cli.data("model", "list") == []


def test_code_that_runs_on_load_is_noted(cli: CommandLine, tmp_path: Path) -> None:
    """The registration succeeds; stderr says what loading the file would do."""
    (tmp_path / "model.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    ran = cli("model", "register", "-n", "risky", "-p", "model.pkl")
    assert ran.code == 0
    assert "model.pkl" in ran.err
    quiet = cli("model", "register", "-n", "risky", "-p", "model.pkl", "--only-show-errors")
    assert quiet.err == ""
