"""The Targets view: what answers, and what each target can do."""

from backends.targets.catalog import TargetRecord
from backends.workspace import Workspace
from tests.console.conftest import Starter
from tests.support.pilots import SMALL, USUAL, press, screen_text, settle


async def test_this_machine_answers_with_what_it_has(workspace: Workspace, start: Starter) -> None:
    app = start(workspace, mode="targets")
    async with app.run_test(size=(160, 30)) as pilot:
        await settle(pilot)
        shown = screen_text(pilot)
        assert "● " in shown
        assert "GB" in shown
        assert "✓ stop and start" in shown
        assert "─ runs container images" in shown
        assert "process ● " in shown.splitlines()[0]


async def test_enter_opens_the_detail_on_a_small_terminal(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace, mode="targets")
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        assert "stop and start" not in screen_text(pilot)
        await press(pilot, "enter")
        assert "stop and start" in screen_text(pilot)
        await press(pilot, "escape")
        assert "LINK" in screen_text(pilot)


async def test_a_target_without_a_driver_is_shown_with_the_reason(
    workspace: Workspace, start: Starter
) -> None:
    assert [target.name for target in workspace.targets.list()] == ["process"]
    with workspace.database.write() as db:
        db.execute("INSERT INTO targets VALUES ('old-cluster', 'mesos', '{}')")
    assert TargetRecord(name="old-cluster", kind="mesos", workspace="factory-north") in (
        workspace.targets.list()
    )
    app = start(workspace, mode="targets")
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "G")
        shown = screen_text(pilot)
        assert "✖ no answer" in shown
        assert "no driver for 'mesos'" in shown
