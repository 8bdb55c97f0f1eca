"""Lists and filters over the index: what they let through, in which order."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.database import Database
from backends.filters import Subject, complete, parse
from backends.registry import queries
from backends.registry.records import Framework, ModelVersion, Registration
from backends.registry.registry import Registry


def fill(registry: Registry, folder: Path) -> list[ModelVersion]:
    """Some models of several versions, oldest first; two of them in use."""
    made = []
    for number in range(24):
        path = folder / "model.dat"
        path.write_bytes(bytes(number * 700))
        request = Registration(
            name=("onnx_mnist", "sklearn", "ÜBER".replace("Ü", "U"), "w2v")[number % 4],
            path=str(path),
            description=("Digits by hand", "", "Straße und Ärger")[number % 3],
            framework=(Framework.ONNX, Framework.SCIKITLEARN, None)[number % 3],
            tags={"area": ("mnist", "text")[number % 2]}
            | ({"stage": "prod"} if number > 9 else {}),
            properties={"serial": str(number)} | ({"area": "both"} if number % 5 == 0 else {}),
        )
        made.append(registry.register(request))
    registry.claim("service", [made[3].id, made[20].id])
    return made


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, list[ModelVersion]]:
    root = tmp_path_factory.mktemp("filled")
    registry = Registry(root, Database(root / "workspace.db"))
    return registry, fill(registry, root)


def expected(registry: Registry, models: Sequence[ModelVersion], text: str) -> list[str]:
    """What holding the filter against each model in turn lets through, newest first."""
    wanted = parse(text)
    return [m.id for m in reversed(models) if any(map(wanted.matches, subjects(registry, m)))]


def subjects(registry: Registry, model: ModelVersion) -> list[Subject]:
    fields: dict[str, str | float] = {
        "framework": model.framework.value,
        "version": model.version,
        "used": float(bool(registry.used_by(model.id))),
        "size": model.size,
        "created": model.created,
    }
    labels = dict(model.properties) | dict(model.tags)
    return [Subject(name=model.name, description=model.description, tags=labels, fields=fields)]


TERMS = (
    "mnist",
    "BY",
    '"by hand"',
    "strasse",
    "ärger",
    "stage=prod",
    "stage!=prod",
    "stage=*",
    "stage~RO",
    "serial=7",
    "serial~1",
    "nothing=*",
    "nothing=x",
    "name:uber",
    "name:digits",
    "framework:learn",
    "framework:none",
    "version:>3",
    "version:2",
    "version:<=1",
    "used:yes",
    "used:no",
    "size:>4KB",
    "size:<=1400",
    "created:<1d",
    "created:>1d",
)


@pytest.mark.parametrize("few", [0, 1000], ids=["scanned", "looked up"])
@given(
    terms=st.lists(
        st.tuples(st.sampled_from(["", "!"]), st.sampled_from(TERMS)).map("".join), max_size=3
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_index_lets_through_what_the_grammar_says(
    filled: tuple[Registry, list[ModelVersion]],
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    terms: list[str],
) -> None:
    monkeypatch.setattr(queries, "FEW", few)
    registry, models = filled
    wanted = expected(registry, models, " ".join(terms))
    for latest in (False, True):
        last = {model.name: model.id for model in models}.values()
        names = [one for one in wanted if one in last] if latest else wanted
        found = registry.search(parse(" ".join(terms)), latest=latest, offset=0, limit=99)
        assert [row.id for row in found] == names
        assert registry.count(parse(" ".join(terms)), latest=latest) == len(names)


def test_label_in_both_matches_either(filled: tuple[Registry, list[ModelVersion]]) -> None:
    registry, _ = filled
    assert registry.count(parse("area=both area=mnist"), latest=False) == 3
    assert registry.count(parse("area=both"), latest=False) == 5


def test_pages_continue_each_other(filled: tuple[Registry, list[ModelVersion]]) -> None:
    registry, models = filled
    pages = [
        row.id
        for offset in range(0, 30, 7)
        for row in registry.search(parse(""), latest=False, offset=offset, limit=7)
    ]
    assert pages == [model.id for model in reversed(models)]


def test_row_says_what_a_list_shows(filled: tuple[Registry, list[ModelVersion]]) -> None:
    registry, models = filled
    (row,) = registry.search(parse("serial=20"), latest=False, offset=0, limit=10)
    model = models[20]
    assert (row.name, row.version, row.size) == (model.name, model.version, model.size)
    assert (row.tags, row.used_by, row.created) == (model.tags, 1, model.created)


def test_hostile_values_stay_values(filled: tuple[Registry, list[ModelVersion]]) -> None:
    registry, _ = filled
    for text in ("x' OR '1'='1", 'a="\' OR 1 --"', "area=%", "_", "name:%", "framework:%"):
        assert registry.count(parse(text), latest=False) == 0 or text == "_"


def test_listing_is_as_az_ml_lists(filled: tuple[Registry, list[ModelVersion]]) -> None:
    registry, models = filled

    def ids(rows: Sequence[object]) -> list[str]:
        return [str(getattr(row, "id", "")) for row in rows]

    newest = list(reversed(models))
    assert ids(registry.rows()) == [m.id for m in newest]
    assert ids(registry.rows(name="w2v")) == [m.id for m in newest if m.name == "w2v"]
    assert ids(registry.versions("w2v")) == ids(registry.rows(name="w2v"))
    assert ids(registry.rows(tags=["stage"])) == [m.id for m in newest if "stage" in m.tags]
    assert ids(registry.rows(tags=["stage=prod", "area=mnist"])) == [
        m.id for m in newest if m.tags == {"stage": "prod", "area": "mnist"}
    ]
    assert ids(registry.rows(properties=["serial=7"])) == [models[7].id]
    assert ids(registry.rows(tags=["serial"])) == []
    assert len(registry.rows(latest=True)) == 4
    assert ids(registry.rows(name="w2v", latest=True)) == ["w2v:6"]


def test_vocabulary_counts_names_and_values(filled: tuple[Registry, list[ModelVersion]]) -> None:
    registry, _ = filled
    vocabulary = registry.vocabulary()

    def offers(text: str) -> list[tuple[str, int | None]]:
        return [(one.applied(text), one.count) for one in complete(text, len(text), vocabulary)]

    assert offers("")[:3] == [("area=", 29), ("serial=", 24), ("stage=", 14)]
    assert offers("area=") == [
        ("area=mnist", 12),
        ("area=text", 12),
        ("area=both", 5),
        ("area=*", None),
    ]
    assert offers("framework:s") == [("framework:ScikitLearn", 8), ("framework:Custom", 8)]
    assert offers("name:on") == [("name:onnx_mnist", 6)]


def test_counts_follow_changes(registry: Registry, file: Path) -> None:
    request = Registration(name="x", path=str(file), tags={"a": "1"})
    for _ in range(2):
        registry.register(request)
    vocabulary = registry.vocabulary()
    registry.update("x:1", add_tags={"a": "2"})
    assert [(o.text, o.count) for o in vocabulary.values("a", "", 9)] == [("1", 1), ("2", 1)]
    registry.delete("x:1")
    assert [(o.text, o.count) for o in vocabulary.values("a", "", 9)] == [("1", 1)]
    registry.delete("x:2")
    assert vocabulary.names("", 9) == ()


def test_latest_falls_back_to_the_version_before(registry: Registry, file: Path) -> None:
    for _ in range(3):
        registry.register(Registration(name="x", path=str(file)))
    registry.delete("x:3")
    found = registry.search(parse(""), latest=True, offset=0, limit=9)
    assert [row.id for row in found] == ["x:2"]
