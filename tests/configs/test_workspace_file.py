"""A workspace's config.json is found as v1 finds it."""

import json
from pathlib import Path

import pytest

from backends.configs.workspace_file import find_workspace_file, write_workspace_file
from backends.errors import InvalidInput, NotFound


def place(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"subscription_id": "s", "resource_group": "r", "workspace_name": name, "x": 1}
    path.write_text(json.dumps(content))


def found(start: Path) -> str:
    file = find_workspace_file(start)
    assert file is not None
    return file.name


def test_the_nearest_folder_counts_and_within_it_the_order(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    order = [
        tmp_path / ".azureml" / "project.json",
        tmp_path / ".azureml" / "config.json",
        inner / "project.json",
        inner / "config.json",
        inner / "aml_config" / "project.json",
        inner / "aml_config" / "config.json",
        inner / ".azureml" / "project.json",
        inner / ".azureml" / "config.json",
    ]
    for number, path in enumerate(order):
        place(path, f"w{number}")
        assert found(inner) == f"w{number}"


def test_every_key_is_read(tmp_path: Path) -> None:
    place(tmp_path / "ws_config.json", "w")
    file = find_workspace_file(tmp_path / "ws_config.json")
    assert file is not None
    assert (file.name, file.resource_group, file.subscription_id) == ("w", "r", "s")
    assert file.path == tmp_path / "ws_config.json"


def test_the_oldest_form_is_one_scope(tmp_path: Path) -> None:
    scope = "/subscriptions/S/resourceGroups/R/providers/P.Services/workspaces/W"
    (tmp_path / "config.json").write_text(json.dumps({"Scope": scope, "Id": None}))
    file = find_workspace_file(tmp_path)
    assert file is not None
    assert (file.name, file.resource_group, file.subscription_id) == ("W", "R", "S")


def test_another_programs_config_is_passed_over(tmp_path: Path) -> None:
    place(tmp_path / "config.json", "w")
    below = tmp_path / "model"
    below.mkdir()
    for text in ('{"model_type": "bert"}', "[]", "not: [json"):
        (below / "config.json").write_text(text)
        assert found(below) == "w"


@pytest.mark.parametrize(
    "content",
    [
        {"workspace_name": "w"},
        {"workspace_name": 1, "resource_group": "r", "subscription_id": "s"},
        {"workspace_name": " ", "resource_group": "r", "subscription_id": "s"},
        {"Scope": "/subscriptions/S"},
    ],
)
def test_a_file_that_lacks_a_key_is_refused(tmp_path: Path, content: dict[str, object]) -> None:
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(InvalidInput, match="does not name a workspace"):
        find_workspace_file(tmp_path)


def test_a_broken_file_in_its_own_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".azureml").mkdir()
    (tmp_path / ".azureml" / "config.json").write_text("{")
    with pytest.raises(InvalidInput, match="not a JSON object"):
        find_workspace_file(tmp_path)


def test_a_start_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        find_workspace_file(tmp_path / "nowhere")


def test_what_is_written_is_found(tmp_path: Path) -> None:
    path = write_workspace_file(tmp_path, name="w", resource_group="r", subscription_id="s")
    assert path == tmp_path / ".azureml" / "config.json"
    assert found(tmp_path) == "w"
    (tmp_path / "aml_config").mkdir()
    second = write_workspace_file(tmp_path, name="w2", file_name="project.json")
    assert second == tmp_path / "aml_config" / "project.json"
