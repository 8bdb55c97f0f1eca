"""Environments are really built: whole, once, and cleaned up after."""

import asyncio
import contextlib
import subprocess
from pathlib import Path

import pytest

from backends import paths
from backends.configs.records import CondaSpec, Environment, InferenceConfig
from backends.errors import BuildFailed, Unavailable
from backends.images.environment import EnvironmentPlan, plan_environment
from backends.images.venv import BuildLine, Built, build
from tests.support.wheels import wheel


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PILOTHOUSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder that stands for the package index."""
    folder = tmp_path / "wheels"
    for version in ("1.0", "1.1", "2.0"):
        wheel(folder, "harbour", version)
    wheel(folder, "pier", "1.0", requires=("harbour<2",))
    return folder


def planned(wheels: Path, *pip: str, python: tuple[str, ...] = ()) -> EnvironmentPlan:
    entries = ("--no-index", f"--find-links {wheels}", *pip)
    conda = CondaSpec(packages=python, pip=entries)
    config = InferenceConfig(
        entry_script="score.py", environment=Environment(name="e", conda=conda)
    )
    return plan_environment(
        config, Path(), builtin=None, framework_version="", lookup=lambda *_: None
    )


async def built(plan: EnvironmentPlan) -> tuple[Built, list[str]]:
    *lines, last = [item async for item in build(plan)]
    assert isinstance(last, Built)
    return last, [line.text for line in lines if isinstance(line, BuildLine)]


def version_in(python: Path, module: str) -> str:
    code = f"import {module}; print({module}.VERSION)"
    return subprocess.check_output([python, "-c", code], text=True).strip()


def left_over() -> list[str]:
    """What lies in the environments folder besides finished ones and locks."""
    folder = paths.environments_dir()
    ready = {path.parent.name for path in folder.glob("*/ready.json")}
    return [p.name for p in folder.iterdir() if p.name not in ready and p.suffix != ".lock"]


async def test_an_environment_is_built_once_for_its_content(wheels: Path) -> None:
    plan = planned(wheels, "harbour==1.1")
    first, lines = await built(plan)
    assert not first.cached
    assert any("harbour" in line for line in lines)
    assert version_in(first.interpreter, "harbour") == "1.1"
    assert first.interpreter.is_relative_to(paths.environments_dir() / plan.key)
    second, lines = await built(plan)
    assert (second.cached, second.interpreter, lines) == (True, first.interpreter, [])
    assert left_over() == []


async def test_what_needs_no_build_is_there_at_once() -> None:
    plan = EnvironmentPlan(key="k", python="3.11", needs_build=False)
    found, lines = await built(plan)
    assert found.cached
    assert found.interpreter.exists()
    assert lines == []


async def test_a_pin_that_does_not_exist_says_which_and_what_there_is(wheels: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        await built(planned(wheels, "harbour==9.9"))
    assert "harbour==9.9 cannot be met" in caught.value.what
    assert "available: 2.0, 1.1, 1.0" in caught.value.what
    assert "harbour" in caught.value.fix
    assert caught.value.detail
    assert left_over() == []


async def test_pins_against_each_other_are_named(wheels: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        await built(planned(wheels, "pier", "harbour==2.0"))
    assert "pier" in caught.value.what
    assert "harbour" in caught.value.what


async def test_a_package_that_does_not_exist_is_named(wheels: Path) -> None:
    with pytest.raises(BuildFailed, match="'lighthousekeeper'"):
        await built(planned(wheels, "lighthousekeeper"))


async def test_a_package_that_cannot_be_built_shows_its_own_error(
    wheels: Path, tmp_path: Path
) -> None:
    source = tmp_path / "wreck"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (source / "backend.py").write_text("raise RuntimeError('hull breached')\n")
    with pytest.raises(BuildFailed, match="hull breached"):
        await built(planned(wheels, str(source)))
    assert left_over() == []


async def test_an_index_that_does_not_answer_is_no_conflict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    plan = EnvironmentPlan(key="a" * 64, python="3.11", requirements=("harbour",))
    with pytest.raises(Unavailable, match="could not be reached"):
        await built(plan)


async def test_a_python_that_is_not_to_be_had_says_what_there_is(wheels: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        await built(planned(wheels, "harbour", python=("python=3.5",)))
    assert "Python 3.5" in caught.value.what
    assert "3.11" in caught.value.what
    assert "PILOTHOUSE_PYTHON_FALLBACK" in caught.value.fix
    assert left_over() == []


async def test_two_that_want_the_same_build_it_once(wheels: Path) -> None:
    plan = planned(wheels, "harbour==1.0")
    both = await asyncio.gather(built(plan), built(plan))
    assert sorted(found.cached for found, _ in both) == [False, True]
    assert left_over() == []


async def test_a_build_that_is_given_up_ends_and_leaves_nothing(wheels: Path) -> None:
    plan = planned(wheels, "harbour==2.0")
    async with contextlib.aclosing(build(plan)) as items:
        async for item in items:
            if isinstance(item, BuildLine) and item.text.startswith("Using Python"):
                break
    assert left_over() == []
    found, _ = await built(plan)
    assert not found.cached


async def test_a_half_environment_from_a_crash_is_replaced(wheels: Path) -> None:
    plan = planned(wheels, "harbour==1.0")
    (paths.environments_dir() / plan.key / "venv").mkdir(parents=True)
    staged = paths.environments_dir() / f".{plan.key}.staged-1"
    staged.mkdir()
    found, _ = await built(plan)
    assert version_in(found.interpreter, "harbour") == "1.0"
    assert left_over() == []


async def test_an_index_password_reaches_no_line_and_no_error(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    plan = planned(wheels, "--extra-index-url http://me:hunter2@127.0.0.1:9/simple", "harbour==7")
    with pytest.raises((BuildFailed, Unavailable)) as caught:
        async for item in build(plan):
            assert "hunter2" not in repr(item)
    assert "hunter2" not in f"{caught.value.what}{caught.value.fix}{caught.value.detail}"
