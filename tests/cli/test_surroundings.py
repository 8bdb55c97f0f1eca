"""Workspaces, folders, environments, targets, config files, the doctor."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.support.commandline import CommandLine, write_json


def test_a_workspace_is_created_once_and_deleted(cli: CommandLine) -> None:
    """`--exist-ok` makes the second time fine; what is not there is told."""
    assert cli.data("workspace", "create", "-w", "north", "-y")["name"] == "north"
    assert cli("workspace", "create", "-w", "north").code == 1
    assert cli("workspace", "create", "-w", "north", "--exist-ok").code == 0
    assert [one["name"] for one in cli.data("workspace", "list")] == ["north"]
    assert cli.data("workspace", "delete", "-w", "north", "-y") == {"name": "north"}
    assert cli.data("workspace", "list") == []
    assert cli("workspace", "delete", "-w", "north").code == 1
    assert cli("workspace", "delete").code == 2


def test_a_workspace_with_services_is_not_deleted(cli: CommandLine) -> None:
    """The error names them."""
    line = "--ic inferenceconfig.json -n words -m words:1"
    cli("model", "register", "-n", "words", "-p", "models")
    assert cli("model", "deploy", *line.split()).code == 0
    ran = cli("workspace", "delete", "-w", "default")
    assert ran.code == 1
    assert "words" in ran.err
    assert cli.data("workspace", "show")["services"] == 1


@pytest.mark.parametrize("name", ["../up", "a/b", "", " ", "x" * 64, ".hidden"])
def test_a_workspace_is_no_path(name: str, cli: CommandLine) -> None:
    """Names that would leave the folder are refused."""
    assert cli("workspace", "create", "-w", name).code == 2


def test_an_attached_folder_names_its_workspace(cli: CommandLine) -> None:
    """From there downwards, `-w` is not needed; `--path` says where to begin."""
    (cli.folder / "project").mkdir()
    cli("folder", "attach", "-w", "north", "-g", "group", "--path", "project")
    assert (cli.folder / "project" / ".azureml" / "config.json").is_file()
    assert cli.data("workspace", "show", "--path", "project/")["name"] == "north"
    assert cli.data("workspace", "show")["name"] == "default"
    assert cli.data("workspace", "show", "--path", "project", "-w", "south")["name"] == "south"
    assert cli("folder", "attach").code == 2


def test_the_workspace_may_stand_before_the_command(cli: CommandLine) -> None:
    """`pilothouse -w NAME model list`; nearer to the command wins."""
    assert cli.data("-w", "north", "workspace", "show")["name"] == "north"
    assert cli.data("-w", "north", "workspace", "show", "-w", "south")["name"] == "south"


def test_an_environment_from_scaffold_to_download(cli: CommandLine) -> None:
    """The same content keeps its version; what is there is not overwritten."""
    assert cli.data("environment", "scaffold", "-n", "mine", "-d", "env")["name"] == "mine"
    assert cli("environment", "scaffold", "-n", "mine", "-d", "env").code == 1
    first = cli.data("environment", "register", "-d", "env", "-t", "env.json")
    assert first["version"] == "1"
    assert json.loads((cli.folder / "env.json").read_text()) == {"name": "mine", "version": "1"}
    assert cli.data("environment", "register", "-d", "env")["version"] == "1"
    conda = cli.folder / "env" / "conda_dependencies.yml"
    conda.write_text(conda.read_text().replace("azureml-defaults", "azureml-defaults\n  - attrs"))
    assert cli.data("environment", "register", "-d", "env")["version"] == "2"
    assert cli.data("environment", "show", "-n", "mine", "-v", "1") == first
    assert [one["version"] for one in cli.data("environment", "list")] == ["2", "1"]
    assert cli("environment", "download", "-n", "mine", "-d", "copy").code == 0
    assert (cli.folder / "copy" / "azureml_environment.json").is_file()
    assert cli("environment", "download", "-n", "mine", "-d", "copy").code == 1
    assert cli("environment", "download", "-n", "mine", "-d", "copy", "--overwrite").code == 0
    assert cli("environment", "show", "-n", "none").code == 1


def test_curated_environments_are_shown(cli: CommandLine) -> None:
    """By the names that Azure ML's documentation has."""
    assert cli.data("environment", "show", "-n", "AzureML-Minimal")["name"] == "AzureML-Minimal"


def test_targets_are_attached_listed_shown_and_detached(cli: CommandLine) -> None:
    """The embedded one is always there and stays."""
    made = cli.data("computetarget", "attach", "process", "-n", "here", "--set", "a=b")
    assert made == {"name": "here", "computeType": "PROCESS", "settings": {"a": "b"}}
    assert [one["name"] for one in cli.data("computetarget", "list")] == ["process", "here"]
    shown = cli.data("computetarget", "show", "-n", "process")
    assert shown["cpus"] > 0
    assert shown["capabilities"]["stop"] is True
    cli("model", "register", "-n", "words", "-p", "models")
    deploy = ("model", "deploy", "-m", "words:1", "--ic", "inferenceconfig.json", "--dry-run")
    assert cli.data(*deploy)["target"] == "process"  # unless --ct says another
    assert cli.data("computetarget", "detach", "-n", "here") == {"name": "here"}
    assert cli("computetarget", "detach", "-n", "process").code == 1
    assert cli("computetarget", "attach", "mainframe", "-n", "big").code == 2


def test_a_compute_type_without_a_driver_names_what_serves_instead(cli: CommandLine) -> None:
    """And that line works: flags win over the file."""
    cli("model", "register", "-n", "words", "-p", "models")
    write_json(cli.folder / "aci.json", {"computeType": "ACI"})
    deploy = ("model", "deploy", "-m", "words:1", "--ic", "inferenceconfig.json", "--dry-run")
    ran = cli(*deploy, "--dc", "aci.json")
    assert ran.code == 2
    assert "no driver for computeType aci" in ran.err
    assert "--cp process" in ran.err
    assert cli(*deploy, "--dc", "aci.json", "--cp", "process").code == 0


def test_config_files_are_checked_whole(cli: CommandLine) -> None:
    """Every problem of every file, with its line; exit 1 only for errors."""
    good = cli("config", "check", "inferenceconfig.json", "deploymentconfig.json")
    assert good.data == []
    write_json(cli.folder / "bad.json", {"computeType": "aks", "numReplicas": "x", "keys": 5})
    ran = cli("config", "check", "bad.json", "inferenceconfig.json")
    assert ran.code == 1
    found = {(one["key"], one["line"]) for one in json.loads(ran.out) if one["severity"] == "error"}
    assert {("numReplicas", 3), ("keys", 4)} <= found
    assert cli("config", "check", "missing.json").code == 1


def test_all_errors_of_a_config_are_told_before_a_deployment(cli: CommandLine) -> None:
    """Nothing is deployed; each problem is a line of its own."""
    write_json(cli.folder / "bad.json", {"computeType": "aks", "numReplicas": "x", "keys": 5})
    ran = cli("model", "deploy", "-n", "words", "--ic", "inferenceconfig.json", "--dc", "bad.json")
    assert (ran.code, ran.out) == (2, "")
    assert "numReplicas" in ran.err
    assert "keys" in ran.err
    assert cli.data("service", "list") == []


def test_a_wrong_flag_for_a_config_key_is_told(cli: CommandLine) -> None:
    """By the same rules as in a file."""
    line = "model deploy -n words --ic inferenceconfig.json --cc many"
    ran = cli(*line.split())
    assert ran.code == 2
    assert "cpu" in ran.err


def test_the_doctor_names_each_check_and_its_fix(cli: CommandLine) -> None:
    """What is not needed by every use is a warning, and the exit code stays 0."""
    found = {one["check"]: one for one in cli.process("doctor", "--offline").data}
    assert found["python"]["level"] == "ok"
    assert {"uv", "docker", "cluster", "home", "disk", "terminal", "workspace"} <= found.keys()
    assert all(one["fix"] for one in found.values() if one["level"] != "ok")
    text = cli.process("doctor", "--offline", "-o", "table").out
    assert "fix: " in text
    assert not cli.home.exists()


def test_the_doctor_finds_a_broken_database(cli: CommandLine) -> None:
    """Exit 1, with the fix."""
    cli("workspace", "create", "-w", "default")
    path = cli.home / "workspaces" / "default" / "workspace.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 8192)
    ran = cli.process("doctor", "--offline")
    assert ran.code == 1
    found = {one["check"]: one for one in json.loads(ran.out)}
    assert found["workspace"]["level"] == "error"
    assert found["workspace"]["fix"]
    path.unlink()
