"""The catalog and the conformance suite name the same kinds of targets."""

import importlib
import inspect
from pathlib import Path

import pytest

from backends.errors import InvalidInput
from backends.targets.catalog import CATALOG, TargetRecord, open_driver
from tests.targets.conformance import Conformance


def test_every_driver_is_held_to_the_conformance_suite() -> None:
    covered = set()
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.targets.{path.stem}")
        for name, found in inspect.getmembers(module, inspect.isclass):
            if name.startswith("Test") and issubclass(found, Conformance):
                covered.add(found.kind)
    assert covered == set(CATALOG)


def test_a_kind_without_a_driver_is_named_with_those_that_exist() -> None:
    target = TargetRecord(name="moon", kind="lunar", workspace="default")
    with pytest.raises(InvalidInput, match=r"moon.*lunar") as caught:
        open_driver(target)
    assert "process" in caught.value.fix
