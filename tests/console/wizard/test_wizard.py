import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from backends.configs.compute_type import ComputeType
from backends.services.drafts import Drafts
from backends.services.records import DeployRequest, Finished
from backends.targets.records import ServiceState
from backends.workspace import Workspace
from console.app.app import PilothouseApp
from console.app.shell.dialog import Confirm
from console.app.shell.help import HelpSheet
from console.app.wizard.fields import Fields
from console.app.wizard.preview import PreviewPane
from console.app.wizard.rail import Rail
from console.app.wizard.screen import WizardScreen
from console.app.wizard.steps import Step
from console.settings import Settings
from tests.console.wizard.conftest import SCORE
from tests.support.containers import needs_engine
from tests.support.pilots import press, settle
from tests.support.wizard import opened

SCRIPT_CONFIG = '{\n  "entryScript": "score.py"\n}\n'


@pytest.fixture
def script(project: Path) -> Path:
    """A project with an entry script and its config."""
    (project / "score.py").write_text(SCORE)
    (project / "inferenceconfig.json").write_text(SCRIPT_CONFIG)
    return project


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_enter_on_review_deploys_and_the_service_comes_up(workspace: Workspace) -> None:
    async with opened(workspace, "digits:2") as driver:
        await driver.press("ctrl+r")
        await driver.until(lambda: driver.wizard.plan is not None)
        assert "pilothouse model deploy -n digits -m digits:2" in driver.review()
        await driver.press("enter")
        run = driver.app.context.runs.of("digits")
        assert run is not None
        try:
            async with asyncio.timeout(60):
                events = [event async for event in run.follow()]
            assert isinstance(events[-1], Finished)
            assert events[-1].service.state is ServiceState.HEALTHY
            assert driver.app.screen is not driver.wizard
        finally:
            await workspace.services.delete("digits")


async def test_a_wrong_value_is_told_as_it_is_typed_and_stays(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.go(Step.DEPLOYMENT)
        await driver.type("port", "90000")
        assert "65535" in driver.row("port").error
        assert driver.wizard.query_one(Rail).standings[4].mark.text == "✖"
        await driver.go(Step.REVIEW)
        await driver.until(lambda: "1 thing to put right" in driver.review())
        await driver.press("enter")
        assert driver.app.context.runs.of("digits") is None
        await driver.go(Step.DEPLOYMENT)
        assert driver.row("port").text == "90000"
        await driver.type("port", "8890")
        assert driver.row("port").error == ""
        assert '"port": 8890' in driver.file()


async def test_what_is_missing_is_named_once_the_step_was_left(workspace: Workspace) -> None:
    async with opened(workspace) as driver:
        await driver.go(Step.INFERENCE)
        assert driver.row("entry_script").error == ""
        assert driver.wizard.query_one(Rail).standings[1].summary.text == "needs entry script"
        await driver.go(Step.ENVIRONMENT)
        await driver.go(Step.INFERENCE)
        assert "entryScript is needed" in driver.row("entry_script").error


async def test_whole_checks_come_when_a_step_is_left(workspace: Workspace, script: Path) -> None:
    async with opened(workspace) as driver:
        await driver.go(Step.INFERENCE)
        await driver.type("entry_script", "gone.py")
        assert driver.row("entry_script").error == ""
        await driver.go(Step.ENVIRONMENT)
        await driver.go(Step.INFERENCE)
        assert "gone.py is not a file" in driver.row("entry_script").error


async def test_naming_a_file_reads_it(workspace: Workspace, script: Path) -> None:
    (script / "other.json").write_text('{"computeType":"process","port":"80"}')
    async with opened(workspace) as driver:
        await driver.go(Step.DEPLOYMENT)
        await driver.type("deployment_file", "other.json")
        await driver.press("enter")
        await driver.until(lambda: driver.form.get("port") == "80")
        assert driver.row("deployment_file").note == "read, and it has errors"
        assert "other.json:1" in driver.row("port").note


async def test_choices_change_the_fields_and_the_cursor_stays(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.go(Step.INFERENCE)
        await driver.press("left")
        await driver.until(lambda: len(driver.wizard.query(Input)) > 1)
        assert driver.row("answers").has_focus_within
        await driver.press("down", "down", *"score.py")
        assert '"entryScript": "score.py"' in driver.file()


async def test_enter_walks_the_fields_and_then_the_steps(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.focus("service_name")
        await driver.press("enter")
        assert driver.row("folder").has_focus_within
        await driver.press("enter")
        await driver.until(lambda: driver.wizard.step is Step.INFERENCE)


async def test_a_click_on_the_rail_goes_to_the_step(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.pilot.click(Rail, offset=(14, 0))
        await driver.until(lambda: driver.wizard.step is Step.INFERENCE)


async def test_the_palette_goes_to_any_step(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await press(driver.pilot, "ctrl+p", "text:step deployment", "enter")
        await driver.until(lambda: driver.wizard.step is Step.DEPLOYMENT)


async def test_two_quick_pages_go_two_steps(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.press("pagedown", "pagedown", "pagedown", "pageup")
        await driver.until(lambda: driver.wizard.step is Step.ENVIRONMENT)
        await driver.go(Step.TARGET)
        assert driver.fields() == ("target",)


async def test_the_keys_are_shown_while_a_field_has_the_cursor(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.press("f1")
        await driver.until(lambda: isinstance(driver.app.screen, HelpSheet))


async def test_saving_writes_the_files_and_asks_before_it_overwrites(
    workspace: Workspace, script: Path
) -> None:
    async with opened(workspace) as driver:
        await driver.go(Step.INFERENCE)
        await driver.type("inference_description", "mine")
        await driver.press("ctrl+s")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm))
        await driver.press("enter")
        await driver.until(lambda: driver.app.screen is driver.wizard)
        assert (script / "inferenceconfig.json").read_text() == SCRIPT_CONFIG
        assert not (script / "deploymentconfig.json").exists()
        await driver.press("ctrl+s")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm))
        await driver.press("tab", "enter")
        await driver.until((script / "deploymentconfig.json").exists)
        assert '"description": "mine"' in (script / "inferenceconfig.json").read_text()
        await driver.until(lambda: "as on disk" in driver.file())


async def test_new_files_are_written_without_a_question(
    workspace: Workspace, project: Path
) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.press("ctrl+s")
        await driver.until((project / "deploymentconfig.json").exists)
        assert driver.app.screen is driver.wizard
        assert not (project / "inferenceconfig.json").exists()


async def test_what_is_wrong_is_not_written(workspace: Workspace, project: Path) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.go(Step.DEPLOYMENT)
        await driver.type("port", "90000")
        await driver.press("ctrl+s")
        await driver.until(lambda: bool(driver.app._notifications))
        assert names(project) == []
        assert driver.row("port").text == "90000"


async def test_models_are_looked_up_as_they_are_named(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.until(lambda: "Onnx" in driver.row("models").note)
        await driver.focus("models")
        await driver.press("9")
        await driver.until(lambda: "no version 29" in driver.row("models").note)


async def test_a_model_that_does_not_exist_opens_no_wizard(workspace: Workspace) -> None:
    app = PilothouseApp(workspace, settings=Settings(theme="dark"))
    async with app.run_test() as pilot:
        await app.run_action("app.deploy('nothing-like-it')")
        await settle(pilot)
        assert not isinstance(app.screen, WizardScreen)
        assert [note.title for note in app._notifications] == ["No model is named nothing-like-it."]
    assert app.faults == []


async def test_an_environment_that_is_not_known_is_told(workspace: Workspace, script: Path) -> None:
    async with opened(workspace) as driver:
        await driver.go(Step.ENVIRONMENT)
        await driver.press("right", "right")
        await driver.until(lambda: "environment_name" in driver.wizard.query_one(Fields).names())
        await driver.type("environment_name", "AzureML-Minimum")
        assert "Near: AzureML-Minimal" in driver.row("environment_name").error
        await driver.type("environment_name", "AzureML-Minimal")
        assert driver.row("environment_name").error == ""


async def test_leaving_keeps_a_draft_that_is_offered_next_time(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.go(Step.DEPLOYMENT)
        await driver.type("port", "90000")
        await driver.type("primary_key", "hunter2hunter2")
        await driver.press("escape")
        await driver.until(lambda: driver.app.screen is not driver.wizard)
    draft = Drafts(workspace.root).find("digits:2")
    assert draft is not None
    assert "hunter2hunter2" not in str(draft)
    async with opened(workspace, "digits", draft="enter") as driver:
        await driver.until(lambda: driver.wizard.step is Step.DEPLOYMENT)
        assert driver.form.get("port") == "90000"
        assert driver.form.get("primary_key") == ""


async def test_starting_anew_forgets_the_draft(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.type("service_name", "other")
    assert Drafts(workspace.root).find("digits:2") is not None
    async with opened(workspace, "digits", draft="escape") as driver:
        assert driver.form.get("service_name") == "digits"
        await driver.press("escape")
        await driver.until(lambda: driver.app.screen is not driver.wizard)
    assert Drafts(workspace.root).find("digits:2") is None


async def test_leaving_untouched_keeps_nothing(workspace: Workspace) -> None:
    async with opened(workspace, "wine") as driver:
        await driver.press("ctrl+r")
        await driver.until(lambda: driver.wizard.plan is not None)
        await driver.press("q")
        await driver.until(lambda: driver.app.screen is not driver.wizard)
    assert Drafts(workspace.root).list() == ()


async def test_read_only_shows_the_plan_and_refuses_to_run_it(
    workspace: Workspace, project: Path
) -> None:
    async with opened(workspace, "digits", read_only=True) as driver:
        await driver.press("ctrl+r")
        await driver.until(lambda: driver.wizard.plan is not None)
        await driver.press("enter", "ctrl+s")
        assert driver.app.screen is driver.wizard
        assert driver.app.context.runs.of("digits") is None
        assert names(project) == []


async def test_a_problem_of_the_plan_stands_in_its_place(workspace: Workspace) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.focus("models")
        await driver.press("9")
        await driver.press("ctrl+r")
        await driver.until(lambda: "✖" in driver.review())
        assert "no version 29" in driver.review()
        assert driver.wizard.plan is None


async def test_the_file_is_toggled_where_there_is_no_room_for_both(workspace: Workspace) -> None:
    async with opened(workspace, "wine", size=(80, 24)) as driver:
        pane = driver.wizard.query_one(PreviewPane)
        middle = driver.wizard.query_one("#middle")
        assert (middle.display, pane.display) == (True, False)
        await driver.press("f3")
        assert (middle.display, pane.display) == (False, True)
        await driver.press("f3")
        await driver.pilot.resize_terminal(200, 50)
        await driver.until(lambda: pane.display)
        assert (middle.display, pane.display) == (True, True)
        assert driver.wizard.query_one(Rail).size.height > len(Step)


async def test_a_tiny_terminal_loses_nothing(workspace: Workspace) -> None:
    async with opened(workspace, "wine") as driver:
        await driver.type("service_name", "keep-me")
        await driver.pilot.resize_terminal(20, 5)
        await driver.press("pagedown")
        await driver.pilot.resize_terminal(100, 32)
        await driver.go(Step.MODEL)
        assert driver.row("service_name").text == "keep-me"


async def test_what_a_hostile_file_says_reaches_the_screen_without_escapes(
    workspace: Workspace, project: Path
) -> None:
    (project / "inferenceconfig.json").write_text(
        '{"entryScript":"[bold]\\u001b[31mx.py","description":"a\\u0007\\u202eb [/]"}'
    )
    async with opened(workspace) as driver:
        for step in Step:
            await driver.go(step)
        await driver.until(lambda: "put right" in driver.review() or "✖" in driver.review())
        drawn = driver.app.export_screenshot() + driver.review() + driver.file()
        assert not {"\x1b", "\x07", "\u202e"} & set(drawn)
        assert "[bold]" in driver.form.get("entry_script")


async def test_a_second_wizard_on_a_running_service_asks_to_replace_it(
    workspace: Workspace,
) -> None:
    plan = await workspace.services.plan(DeployRequest(models=("digits:1",)))
    try:
        async for _event in workspace.services.run(plan):
            pass
        async with opened(workspace, "digits:2") as driver:
            assert "exists already" in driver.row("overwrite").error
            await driver.focus("overwrite")
            await driver.press("left")
            assert driver.row("overwrite").error == ""
            await driver.press("ctrl+r")
            await driver.until(lambda: driver.wizard.plan is not None)
            assert "Replace digits" in driver.review()
            assert "Difference to what runs" in driver.review()
            assert "--overwrite" in driver.review()
    finally:
        await workspace.services.delete("digits")


@needs_engine()
async def test_the_engine_of_this_machine_is_offered_and_review_tells_the_image(
    workspace: Workspace,
) -> None:
    async with opened(workspace, "digits:2") as driver:
        await driver.go(Step.TARGET)
        await driver.focus("target")
        await driver.press("right")
        await driver.until(lambda: driver.form.images)
        assert driver.form.compute is ComputeType.LOCAL
        await driver.press("ctrl+r")
        await driver.until(lambda: driver.wizard.plan is not None)
        await driver.until(lambda: "known once" in driver.review() or " MB" in driver.review())
        assert "python:3." in driver.review()
        assert [target.kind for target in workspace.targets.list()] == ["process", "docker"]
