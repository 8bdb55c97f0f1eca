from pathlib import Path

import pytest

from backends.workspace import Workspace
from console.app.wizard.steps import Step
from console.app.wizard.suggesting import complete
from tests.console.wizard.conftest import SCORE
from tests.support.wizard import opened


@pytest.fixture
def tree(project: Path) -> Path:
    """A few files, some with names that are hidden or hostile."""
    for name in ("score.py", "scoring/score.py", ".hidden", "evil\x1b[31m"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(SCORE)
    return project


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("sc", "score.py"),
        ("scori", "scoring/"),
        ("scoring/s", "scoring/score.py"),
        ("./sc", "./score.py"),
        (".h", ".hidden"),
        ("ev", None),
        ("zzz", None),
        ("no/such/folder", None),
        ("score.py/x", None),
        ("~nobody-here/x", None),
        ("\0", None),
    ],
)
def test_paths_are_completed(tree: Path, typed: str, completed: str | None) -> None:
    assert complete(tree, typed) == completed


async def test_right_takes_the_suggestion(workspace: Workspace, tree: Path) -> None:
    async with opened(workspace, "digits") as driver:
        await driver.go(Step.INFERENCE)
        await driver.press("left")
        await driver.until(lambda: "entry_script" in driver.fields())
        await driver.type("entry_script", "scori")
        await driver.until(lambda: bool(driver.suggestion()))
        await driver.press("right")
        assert driver.row("entry_script").text == "scoring/"
