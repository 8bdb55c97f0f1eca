"""Which Python an environment is built with, and which one a framework's version can have."""

import os

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from backends.errors import InvalidInput
from backends.images.conda_names import PYTHON_WITHOUT_SKLEARN
from backends.images.interpreters import OWN, available, find_python, rank
from backends.images.requirements import Requirements

FALLBACK = "PILOTHOUSE_PYTHON_FALLBACK"
"""Set to `nearest`: where the pinned Python is missing, the next newer one here is used."""


def pinned(package: str, version: str) -> str:
    """A requirement of that very version; of any when it is empty.

    Raises:
        InvalidInput: it is no version.
    """
    try:
        return f"{package}=={Version(version)}" if version else package
    except InvalidVersion as error:
        raise InvalidInput(
            f"The model's framework version '{version}' is not a version of {package}.",
            fix="Register the model again with --model-framework-version, as in 1.4.2.",
        ) from error


def python_for_sklearn(version: str) -> str:
    """The specifier of the Pythons that a scikit-learn has wheels for; empty when any will do."""
    for before, without in PYTHON_WITHOUT_SKLEARN:
        if version and Version(version) < Version(before):
            return f"<{without}"
    return ""


def choose_python(found: Requirements) -> str:
    """The minor version to build with; it need not be on this machine."""
    if not found.python:
        return OWN
    wanted = _specifier(found.python)
    pin = _pinned_minor(found.python)
    if pin is None:
        if _any_patch(wanted, OWN):
            return OWN
        fitting = [minor for minor in available() if _any_patch(wanted, minor)]
        return fitting[-1] if fitting else _missing(_newest(wanted), found)
    exact = found.python.removeprefix("==").removesuffix(".*")
    if exact != pin and find_python(pin):
        found.notes.append(f"Python {exact} is met by the {pin} of this machine.")
    return pin if find_python(pin) else _missing(pin, found)


def python_of_image(found: Requirements) -> str:
    """What is pinned; else ours, or the newest that the range allows."""
    if not found.python:
        return OWN
    wanted = _specifier(found.python)
    pin = _pinned_minor(found.python)
    return pin or (OWN if _any_patch(wanted, OWN) else _newest(wanted))


def _specifier(python: str) -> SpecifierSet:
    try:
        return SpecifierSet(python)
    except InvalidSpecifier as error:
        raise InvalidInput(
            f"The conda file pins Python as '{python}', which is not a version.",
            fix="Write it as `python=3.8`.",
        ) from error


def _pinned_minor(specifier: str) -> str | None:
    """`==3.6.2` and `==3.6.*` pin 3.6; `==3.*` and ranges pin nothing."""
    both = [part for part in specifier.split(",") if part.startswith("==")]
    numbers = both[0].removeprefix("==").split(".") if both else []
    exact = len(numbers) > 1 and numbers[1].isdigit()
    return ".".join(numbers[:2]) if exact else None


def _any_patch(wanted: SpecifierSet, minor: str) -> bool:
    return any(wanted.contains(f"{minor}.{patch}") for patch in (0, 5, 10, 99))


def _newest(wanted: SpecifierSet) -> str:
    """The newest minor version that exists and is wanted."""
    fitting = (f"3.{minor}" for minor in range(14, 4, -1))
    return next((minor for minor in fitting if _any_patch(wanted, minor)), OWN)


def _missing(pin: str, found: Requirements) -> str:
    newer = [minor for minor in available() if rank(minor) > rank(pin)]
    if os.environ.get(FALLBACK, "").lower() == "nearest" and newer:
        found.notes.append(f"Python {pin} is not here: {newer[0]} is used instead ({FALLBACK}).")
        return newer[0]
    found.notes.append(f"Python {pin} is not on this machine: it has to be fetched first.")
    return pin
