"""Attached targets: settings that are checked, drivers that follow them, the default."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.database import Database
from backends.errors import InvalidInput, NotFound, Refused, Unavailable
from backends.services.targets import Targets
from backends.targets.catalog import TargetRecord


@pytest.fixture
async def targets(tmp_path: Path) -> AsyncIterator[Targets]:
    opened = Targets(Database(tmp_path / "workspace.db"), "test")
    yield opened
    await opened.aclose()


def record(name: str = "edge", **settings: str) -> TargetRecord:
    return TargetRecord(name=name, kind="docker", workspace="test", settings=settings)


async def test_changed_settings_open_another_driver(targets: Targets) -> None:
    targets.attach(record(url="unix:///nowhere/a.sock"))
    first = targets.open("edge")
    assert targets.open("edge") is first
    targets.attach(record(url="unix:///nowhere/b.sock"))
    second = targets.open("edge")
    assert second is not first
    with pytest.raises(Unavailable, match=r"b\.sock"):
        await second.check()


async def test_settings_that_another_program_changed_count_too(
    targets: Targets, tmp_path: Path
) -> None:
    targets.attach(record(url="unix:///nowhere/a.sock"))
    first = targets.open("edge")
    Targets(Database(tmp_path / "workspace.db"), "test").attach(record(url="unix:///b.sock"))
    assert targets.open("edge") is not first
    targets.detach("edge")
    with pytest.raises(NotFound):
        targets.open("edge")


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"colour": "blue"}, InvalidInput, "no setting 'colour'"),
        ({"url": "gopher://edge"}, InvalidInput, "not an engine's address"),
        ({"url": "tcp://192.0.2.1:2375"}, Refused, "plain HTTP"),
        ({"url": "tcp://192.0.2.1:2376", "ca": "/nowhere.pem"}, InvalidInput, "no file"),
        ({"context": "nobody"}, NotFound, "no Docker context"),
    ],
)
async def test_settings_that_cannot_be_used_are_refused(
    targets: Targets, settings: dict[str, str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        targets.attach(record(**settings))
    assert [target.name for target in targets.list()] == ["process"]


async def test_the_default_is_meant_where_a_compute_type_means_several(targets: Targets) -> None:
    assert targets.default() == "process"
    targets.attach(record("one"))
    targets.attach(record("two"))
    with pytest.raises(InvalidInput, match="could mean one, two"):
        targets.for_compute_type("local")
    targets.set_default("two")
    assert targets.for_compute_type("local").name == "two"
    targets.detach("two")
    assert targets.default() == "process"


async def test_a_target_that_is_not_attached_can_be_asked(targets: Targets) -> None:
    with pytest.raises(Unavailable, match="no socket at /nowhere"):
        await targets.probe(record(url="/nowhere/a.sock"))
    assert (await targets.probe(replace_kind(record()))).identity


def replace_kind(found: TargetRecord) -> TargetRecord:
    return TargetRecord(name=found.name, kind="process", workspace="test")
