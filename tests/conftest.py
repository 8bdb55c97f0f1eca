"""SVG baselines lie in the top-level `snapshots/`, by the test file's path below `tests/`."""

import sys
from pathlib import Path

import pytest
import pytest_textual_snapshot
from syrupy.location import PyTestLocation

pytest.register_assert_rewrite(
    "tests.support.services", "tests.targets.conformance", "tests.targets.conforming_logs"
)
TESTS = Path(__file__).parent
SNAPSHOTS = TESTS.parent / "snapshots"
BASELINE_PYTHON = (3, 11)


class Baselines(pytest_textual_snapshot.SVGImageExtension):  # type: ignore[misc]  # untyped plugin
    """One SVG a test: `snapshots/console/models/test_list/test_name.svg`."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """The folder of a test file's baselines."""
        file = Path(test_location.filepath).relative_to(TESTS)
        return str(SNAPSHOTS / file.with_suffix(""))


pytest_textual_snapshot.SVGImageExtension = Baselines


def pytest_configure(config: pytest.Config) -> None:
    """Baselines are drawn on one version of Python only."""
    updating = config.getoption("update_snapshots", default=False)
    if updating and sys.version_info[:2] != BASELINE_PYTHON:
        raise pytest.UsageError("Baselines are drawn on Python 3.11.")
    config.option.snapshot_report = str(TESTS.parent / ".pytest_cache" / "snapshot_report.html")
