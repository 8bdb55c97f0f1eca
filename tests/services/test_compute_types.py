"""Which target a `computeType` means."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.errors import InvalidInput
from backends.services.targets import Targets
from backends.targets.catalog import TargetRecord
from backends.workspace import Workspace


@pytest.fixture
def targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Targets]:
    monkeypatch.setenv("PILOTHOUSE_HOME", str(tmp_path / "home"))
    workspace = Workspace.open("default")
    yield workspace.targets
    workspace.close()


def docker(name: str) -> TargetRecord:
    return TargetRecord(name=name, kind="docker", workspace="default", settings={"url": "/x.sock"})


def test_local_is_the_engine_that_is_attached(targets: Targets) -> None:
    targets.attach(docker("engine"))
    assert targets.for_compute_type("local").name == "engine"


def test_local_is_this_machines_engine_when_none_is_attached(targets: Targets) -> None:
    found = targets.for_compute_type("local")
    assert (found.name, found.kind, dict(found.settings)) == ("docker", "docker", {})
    assert [target.name for target in targets.list()] == ["process", "docker"]
    assert targets.for_compute_type("local") == found


def test_local_among_several_engines_is_to_be_named(targets: Targets) -> None:
    targets.attach(docker("one"))
    targets.attach(docker("two"))
    with pytest.raises(InvalidInput, match="could mean one, two"):
        targets.for_compute_type("local")
