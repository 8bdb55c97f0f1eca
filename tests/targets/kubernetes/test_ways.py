"""How a cluster is named when it is attached; nothing here is connected."""

import json
from pathlib import Path

import pytest

from backends.errors import InvalidInput, NotFound, PilothouseError
from backends.targets.catalog import check_settings, ways_of
from backends.targets.drivers.kubernetes.kubeconfig import find_access

ARM = (
    "/subscriptions/0/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/myaks"
)


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two contexts; `edge` is the current one."""
    clusters = [{"name": "one", "cluster": {"server": "http://127.0.0.1:1"}}]
    contexts = [{"name": name, "context": {"cluster": "one"}} for name in ("edge", "myaks")]
    file = tmp_path / "config"
    content = {"clusters": clusters, "contexts": contexts, "current-context": "edge"}
    file.write_text(json.dumps(content))
    monkeypatch.setenv("KUBECONFIG", str(file))
    return file


def test_the_contexts_of_the_kubeconfig_are_offered(kubeconfig: Path) -> None:
    assert kubeconfig.is_file()
    by_name, by_file, inside = ways_of("aks")
    assert by_name.settings[0].choices == ("edge", "myaks")
    assert by_file.settings[0].path
    assert inside.fixed == {"context": "in-cluster"}


def test_without_a_kubeconfig_there_is_no_context_to_choose(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert [way.name for way in ways_of("kubernetes")] == ["file", "in-cluster"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"context": "edge", "namespace": "models"},
        {"context": "in-cluster"},
        {"resource_id": ARM, "purpose": "devtest"},
        {"resource_id": ARM.replace("resourceGroups", "resourcegroups")},
    ],
)
def test_what_can_name_a_cluster_is_taken(kubeconfig: Path, settings: dict[str, str]) -> None:
    assert kubeconfig.is_file()
    check_settings("aks", settings)


@pytest.mark.parametrize(
    ("settings", "error", "told"),
    [
        ({"context": "nowhere"}, NotFound, r"there is: edge, myaks"),
        ({"kubeconfig": "/no/such/file"}, NotFound, "/no/such/file"),
        ({"namespace": "Upper"}, InvalidInput, "cannot be a namespace"),
        ({"resource_id": "/subscriptions/0"}, InvalidInput, "no ARM id"),
        ({"purpose": "huge"}, InvalidInput, "no purpose"),
        ({"expose": "loudly"}, InvalidInput, "no type of Service"),
        ({"colour": "red"}, InvalidInput, "no setting 'colour'"),
    ],
)
def test_what_cannot_is_refused_with_its_reason(
    kubeconfig: Path, settings: dict[str, str], error: type[PilothouseError], told: str
) -> None:
    assert kubeconfig.is_file()
    with pytest.raises(error, match=told):
        check_settings("aks", settings)


def test_an_arm_id_means_the_context_of_its_last_word(kubeconfig: Path) -> None:
    assert find_access(str(kubeconfig), "", "myaks").context == "myaks"
    assert find_access(str(kubeconfig), "edge", "myaks").context == "edge"


def test_without_such_a_context_the_current_one_is_used_and_that_is_told(kubeconfig: Path) -> None:
    found = find_access(str(kubeconfig), "", "other")
    assert found.context == "edge"
    assert found.note == "no context 'other' is there: the current one is used"
