"""A package index in a folder, and images that go away with the test that made them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.images.containers import names
from tests.support.containers import client
from tests.support.imagebuilds import remove_images
from tests.support.wheels import wheel

_KINDS = (names.SERVICE, names.ENVIRONMENT, names.STEP, names.PACKAGES)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for the package index."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        wheel(folder, "harbour", version)
    return folder


@pytest.fixture
def index(wheels: Path) -> tuple[str, str]:
    """Entries of a pip section that know no other index."""
    return ("--no-index", f"--find-links {wheels}")


@pytest.fixture(autouse=True, scope="module")
def cleared() -> Iterator[None]:
    """Images that the module's tests made are removed; those that were there stay."""
    with client() as engine:
        before = {image["Id"] for image in engine.images(filters={"label": names.IMAGE})}
    yield
    with client() as engine:
        for kind in _KINDS:
            remove_images(engine, f"{names.IMAGE}={kind}", but=before)
