"""What may change of a version, who changed it, and what keeps it from going away."""

from pathlib import Path

import pytest

from backends.database import Database
from backends.errors import Conflict, InvalidInput, NotFound, Refused
from backends.filters import parse
from backends.registry.records import Registration
from backends.registry.registry import Registry
from backends.targets.records import Resources
from tests.support.registering import staged, stored_blobs


@pytest.fixture
def model(registry: Registry, file: Path) -> str:
    request = Registration(
        name="x", path=str(file), tags={"area": "mnist", "old": "1"}, properties={"p": "1"}
    )
    return registry.register(request).id


def test_tags_come_change_and_go(registry: Registry, model: str) -> None:
    changed = registry.update(
        model, add_tags={"area": "vision", "new": ""}, remove_tags=["old", "never"]
    )
    assert changed.tags == {"area": "vision", "new": ""}
    assert registry.get("x") == changed
    assert registry.count(parse("area=vision new=* old!=*"), latest=True) == 1
    assert registry.count(parse("area=mnist"), latest=True) == 0


def test_properties_are_only_added(registry: Registry, model: str) -> None:
    assert registry.update(model, add_properties={"q": "2"}).properties == {"p": "1", "q": "2"}
    with pytest.raises(Conflict, match=r"p, q already"):
        registry.update(model, add_properties={"q": "2", "p": "1", "r": "3"}, description="no")
    assert registry.get("x").properties == {"p": "1", "q": "2"}
    assert registry.get("x").description == ""


def test_other_fields_change_one_by_one(registry: Registry, model: str) -> None:
    registry.update(model, description="Handwriting", sample_input="[1]")
    registry.update(model, resources=Resources(cpu=2), sample_output="[2]")
    changed = registry.get("x")
    assert (changed.description, changed.resources.cpu) == ("Handwriting", 2)
    assert (changed.sample_input, changed.sample_output) == ("[1]", "[2]")
    assert registry.count(parse("handwriting"), latest=True) == 1
    assert registry.update(model, description="").description == ""


def test_everything_wrong_with_an_update_is_said_at_once(registry: Registry, model: str) -> None:
    with pytest.raises(InvalidInput) as error:
        registry.update(
            model, add_tags={"": ""}, resources=Resources(cpu=-1, gpu=0), description="\ud800"
        )
    assert len(error.value.detail.splitlines()) == 4


def test_every_change_of_a_tag_is_logged(registry: Registry, root: Path, model: str) -> None:
    registry.update(model, add_tags={"area": "vision"}, remove_tags=["old"])
    with Database(root / "workspace.db").read() as db:
        rows = db.execute("SELECT model, field, before, after, actor, at FROM changes").fetchall()
    assert {tuple(row)[:4] for row in rows} == {
        ("x:1", "tag area", "mnist", "vision"),
        ("x:1", "tag old", "1", None),
    }
    assert all(row["actor"] and row["at"] > 0 for row in rows)


def test_stamp_changes_with_every_change_of_any_registry(
    registry: Registry, root: Path, model: str
) -> None:
    other = Registry(root, Database(root / "workspace.db"))
    before = registry.stamp()
    assert registry.stamp() == before
    other.update(model, add_tags={"a": "b"})
    assert registry.stamp() != before


def test_used_version_is_not_deleted_and_the_services_are_named(
    registry: Registry, model: str
) -> None:
    registry.claim("sentiment", [model])
    registry.claim("another", ["x"])
    with pytest.raises(Refused, match="another, sentiment"):
        registry.delete(model)
    assert registry.used_by(model) == ("another", "sentiment")
    assert registry.rows()[0].used_by == 2
    registry.release("another")
    registry.release("sentiment")
    registry.delete(model)
    assert registry.rows() == ()


def test_claim_takes_the_place_of_the_one_before(
    registry: Registry, file: Path, model: str
) -> None:
    registry.register(Registration(name="x", path=str(file)))
    registry.claim("s", ["x:1"])
    registry.claim("s", ["x:2", "x:2"])
    assert (registry.used_by("x:1"), registry.used_by("x:2")) == ((), ("s",))
    with pytest.raises(NotFound):
        registry.claim("s", ["x:1", "x:9"])
    assert registry.used_by("x:2") == ("s",)


def test_deleted_bytes_go_unless_another_version_has_them(
    registry: Registry, root: Path, folder: Path, file: Path
) -> None:
    registry.register(Registration(name="x", path=str(folder)))
    registry.register(Registration(name="y", path=str(folder), child_paths=("model.h5",)))
    registry.delete("x:1")
    assert stored_blobs(root) == {file.sha256 for file in registry.get("y").files}
    registry.delete("y:1")
    assert stored_blobs(root) == set()
    assert staged(root) == []


def test_delete_wants_a_version(registry: Registry, model: str) -> None:
    with pytest.raises(InvalidInput, match="names no version"):
        registry.delete("x")
    assert registry.rows()


@pytest.mark.parametrize("reference", ["x:2", "y:1", "y"])
def test_what_is_not_there_is_not_found_with_a_hint(
    registry: Registry, model: str, reference: str
) -> None:
    with pytest.raises(NotFound) as error:
        registry.resolve(reference)
    assert error.value.fix


def test_near_name_is_hinted(registry: Registry, file: Path) -> None:
    registry.register(Registration(name="onnx_mnist", path=str(file)))
    with pytest.raises(NotFound) as error:
        registry.get("onnx-mnist")
    assert "onnx_mnist" in error.value.fix


@pytest.mark.parametrize("reference", ["x:", "x:0", "x:one", "x:-1", "x:1:2", "x:" + "9" * 40])
def test_reference_that_names_no_version_is_wrong(registry: Registry, reference: str) -> None:
    with pytest.raises(InvalidInput):
        registry.resolve(reference)
