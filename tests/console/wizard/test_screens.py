"""How the wizard looks; each docstring says what to look at."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backends.demo.manifest import FOLDER
from backends.registry.records import Registration
from backends.services.drafts import Draft, Drafts
from backends.workspace import Workspace
from console.app.app import PilothouseApp
from console.app.wizard.resume import ResumeDialog
from console.app.wizard.screen import WizardScreen
from console.app.wizard.steps import Step
from tests.console.conftest import Starter
from tests.support.pilots import LARGE, SMALL
from tests.support.wizard import Driver, opens

Compare = Callable[..., bool]
Act = Callable[[Driver], Awaitable[None]]


@pytest.fixture
def app(workspace: Workspace, project: Path, start: Starter) -> PilothouseApp:
    """The console on a project: a model `sugar` with entry script, conda file and configs."""
    shutil.copytree(FOLDER / "diabetes", project, dirs_exist_ok=True)
    workspace.registry.register(
        Registration(
            name="sugar",
            path=str(project / "diabetes.npz"),
            tags={"area": "health", "kind": "ridge"},
        )
    )
    return start(workspace)


def wizard(model: str, act: Act) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Open the wizard on a model, then act."""

    async def before(pilot: Pilot[None]) -> None:
        await act(await opens(pilot, model))
        await pilot.pause()

    return before


async def nothing(_driver: Driver) -> None:
    """Leave it as it opened."""


async def with_errors(driver: Driver) -> None:
    """Two wrong values on Deployment."""
    await driver.go(Step.DEPLOYMENT)
    await driver.type("cpu_cores", "many")
    await driver.type("port", "90000")


async def new_package(driver: Driver) -> None:
    """One more requirement in the conda file."""
    await driver.go(Step.ENVIRONMENT)
    await driver.focus("pip_packages")
    await driver.press("ctrl+end", "enter", *"pandas==2.2.3")


async def review(driver: Driver) -> None:
    """The plan."""
    await driver.press("ctrl+r")
    await driver.until(lambda: driver.wizard.plan is not None)


def test_model_small(app: PilothouseApp, snap_compare: Compare) -> None:
    """The rail is one line of marks; the row with the cursor has a bar; help is dim."""
    assert snap_compare(app, terminal_size=SMALL, run_before=wizard("sugar", nothing))


def test_environment_small(app: PilothouseApp, snap_compare: Compare) -> None:
    """Choices stand side by side or between arrows; lists are as high as they are long."""
    assert snap_compare(app, terminal_size=SMALL, run_before=wizard("sugar", new_package))


def test_errors_small(app: PilothouseApp, snap_compare: Compare) -> None:
    """Errors stand beneath their fields with a glyph; the rail marks the step."""
    assert snap_compare(app, terminal_size=SMALL, run_before=wizard("sugar", with_errors))


def test_file_small(app: PilothouseApp, snap_compare: Compare) -> None:
    """The changed line begins with `+`; the other files follow."""

    async def act(driver: Driver) -> None:
        await new_package(driver)
        await driver.press("f3")

    assert snap_compare(app, terminal_size=SMALL, run_before=wizard("sugar", act))


def test_review_small(app: PilothouseApp, snap_compare: Compare) -> None:
    """Plan, checks, notes and the command line fit without scrolling."""
    assert snap_compare(app, terminal_size=SMALL, run_before=wizard("digits", review))


def test_environment_large(app: PilothouseApp, snap_compare: Compare) -> None:
    """Three panes: the rail with what was chosen, the fields, the files with the change marked."""
    assert snap_compare(app, terminal_size=LARGE, run_before=wizard("sugar", new_package))


def test_deployment_large(app: PilothouseApp, snap_compare: Compare) -> None:
    """Defaults are dim in their fields, wrong values are told, labels and controls align."""
    assert snap_compare(app, terminal_size=LARGE, run_before=wizard("sugar", with_errors))


def test_review_large(app: PilothouseApp, snap_compare: Compare) -> None:
    """The plan in the middle, the files that the command names on the right."""
    assert snap_compare(app, terminal_size=LARGE, run_before=wizard("sugar", review))


def test_not_ready_large(app: PilothouseApp, snap_compare: Compare) -> None:
    """Review lists what has to be put right, each with its step."""

    async def act(driver: Driver) -> None:
        await with_errors(driver)
        await driver.go(Step.REVIEW)
        await driver.until(lambda: "put right" in driver.review())

    assert snap_compare(app, terminal_size=LARGE, run_before=wizard("sugar", act))


def test_draft_question(app: PilothouseApp, snap_compare: Compare) -> None:
    """The draft's age and place; going on is the default."""
    drafts = Drafts(app.context.workspace.root)
    values = {"cpu_cores": "2", "port": "8890"}
    drafts.keep(
        Draft(subject="sugar:1", step="deployment", values=values, saved=app.context.clock() - 240)
    )

    async def before(pilot: Pilot[None]) -> None:
        from backends.services.records import DeployRequest

        await pilot.app.push_screen(WizardScreen(app.context, DeployRequest(models=("sugar",))))
        while not isinstance(pilot.app.screen, ResumeDialog):
            await pilot.pause(0.01)
        await pilot.pause()

    assert snap_compare(app, terminal_size=SMALL, run_before=before)
