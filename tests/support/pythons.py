"""This machine's Pythons as parameters of tests; one that is missing is a skip that says so."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

VERSIONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""From the oldest that a worker runs on to the newest."""


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter that pyenv installed."""

    version: str
    """Major and minor number."""
    path: Path


def pythons(*versions: str) -> list[ParameterSet]:
    """Parameters for these versions; `oldest` and `newest` are of those that are there."""
    here = [version for version in VERSIONS if _find(version) is not None]
    named = {"oldest": here[0], "newest": here[-1]} if here else {}
    return [_parameter(named.get(version, version)) for version in versions]


def _parameter(version: str) -> ParameterSet:
    path = _find(version)
    if path is None:
        missing = pytest.mark.skip(reason=f"no CPython {version} below ~/.pyenv/versions")
        return pytest.param(Python(version, Path()), marks=missing)
    return pytest.param(Python(version, path))


def _find(version: str) -> Path | None:
    return next(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), None)
