"""The process driver: the conformance suite, and what holds for processes alone."""

import pytest

from backends.targets.catalog import TargetRecord
from tests.targets.conformance import Conformance


class TestProcess(Conformance):
    kind = "process"

    @pytest.fixture
    def target(self) -> TargetRecord:
        return TargetRecord(name="local", kind="process", workspace="default")
