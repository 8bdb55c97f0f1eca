"""Whatever the base image has: the service answers, or one sentence says why not."""

from pathlib import Path

import pytest

from backends.errors import BuildFailed
from backends.images.containers import names
from tests.support import baseimages
from tests.support.containers import needs_engine
from tests.support.imagebuilds import (
    answer,
    built,
    bundled,
    left_over,
    planned,
    running,
    serviced,
    specified,
)

pytestmark = [needs_engine(), pytest.mark.timeout(300)]
CONFINED = {
    "ReadonlyRootfs": True,
    "CapDrop": ["ALL"],
    "SecurityOpt": ["no-new-privileges"],
    "Tmpfs": {"/tmp": "rw"},
}


@pytest.mark.parametrize(
    ("base", "python", "pin"),
    [
        (lambda: "", "3.11", "python=3.11"),
        (baseimages.no_python, "3.11", "python=3.11"),
        (baseimages.bare, "3.11", "numpy"),
        (baseimages.python36, "3.6", "python=3.6.2"),
        (baseimages.conda, "3.11", "python=3.11"),
    ],
    ids=["python-slim", "no-python", "nothing-at-all", "python-3.6", "conda"],
)
async def test_a_service_answers_on_whatever_base(
    base: object, python: str, pin: str, index: tuple[str, str], tmp_path: Path
) -> None:
    assert callable(base)
    packages = (pin,) if pin.startswith("python") else ()
    plan = planned(*index, "harbour==1.0", packages=packages, base_image=base())
    environment, lines = await built(plan)
    assert any("harbour" in line for line in lines)
    service = await serviced(environment, specified(bundled(tmp_path / "app"), "bases"))
    async with running(service.reference, **CONFINED) as url:
        said = await answer(url)
    assert (said["harbour"], said["python"], said["user"], said["uid"]) == (
        "1.0",
        python,
        "pilothouse",
        names.USER_ID,
    )
    assert said["leaked"] == []
    assert left_over() == []


async def test_a_pin_without_a_base_names_what_is_there_and_the_switch(
    index: tuple[str, str],
) -> None:
    with pytest.raises(BuildFailed) as caught:
        await built(planned(*index, "harbour", packages=("python=3.5",)))
    assert "Python 3.5 is pinned" in caught.value.what
    assert "python:3.5-slim" in caught.value.what
    assert "python:3.11-slim" in caught.value.what
    assert "PILOTHOUSE_PYTHON_FALLBACK=nearest" in caught.value.fix
    assert left_over() == []


async def test_the_nearest_base_stands_in_where_that_is_allowed(
    index: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOTHOUSE_PYTHON_FALLBACK", "nearest")
    image, lines = await built(planned(*index, "harbour", packages=("python=3.5",)))
    assert image.labels["pilothouse/python"].startswith("3.11")
    assert any("python:3.11-slim" in line and "FALLBACK" in line for line in lines)


async def test_a_base_with_another_python_than_the_pin_says_so(
    index: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing is fetched from outside
    plan = planned(*index, "harbour", packages=("python=3.8",), base_image=baseimages.python36())
    with pytest.raises(BuildFailed, match=r"Python 3\.8 is not in the base image \(it has 3\.6\)"):
        await built(plan)


async def test_what_only_conda_has_needs_a_base_with_conda(index: tuple[str, str]) -> None:
    plan = planned(*index, "harbour", packages=("python=3.11", "graphviz"))
    with pytest.raises(BuildFailed, match="graphviz can only be installed by conda") as caught:
        await built(plan)
    assert "micromamba" in caught.value.what


async def test_a_conda_that_fails_is_quoted(index: tuple[str, str]) -> None:
    plan = planned(*index, packages=("python=3.9", "graphviz"), base_image=baseimages.conda())
    with pytest.raises(BuildFailed, match="CondaHTTPError: HTTP 000 CONNECTION FAILED"):
        await built(plan)
    assert left_over() == []


async def test_a_user_managed_base_gets_no_packages_and_is_served_by_its_own_python() -> None:
    plan = planned(base_image=baseimages.python36(), interpreter="/usr/local/bin/python3.6")
    image, lines = await built(plan)
    assert image.labels[names.INTERPRETER] == "/usr/local/bin/python3.6"
    assert not any("Installed" in line for line in lines)


async def test_an_interpreter_that_the_base_has_not_is_told_with_those_it_has() -> None:
    plan = planned(base_image=baseimages.python36(), interpreter="/opt/none/python")
    with pytest.raises(BuildFailed, match=r"has no '/opt/none/python'; it has .*3\.6\."):
        await built(plan)
