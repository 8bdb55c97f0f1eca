"""How the Models view looks; each docstring says what to look at."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from backends.workspace import Workspace
from tests.console.conftest import Starter
from tests.support.pilots import LARGE, SMALL, USUAL, press, settle

Compare = Callable[..., bool]
Size = tuple[int, int]


def _by(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def keys(*pressed: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Settle, then press keys."""

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, *pressed)

    return before


@pytest.mark.parametrize("size", [(20, 5), SMALL, USUAL, (140, 30), LARGE], ids=_by)
def test_list(size: Size, workspace: Workspace, start: Starter, snap_compare: Compare) -> None:
    """One, two, three panes as the terminal grows; numbers right-aligned; at 20x5 still a list."""
    assert snap_compare(start(workspace), terminal_size=size, run_before=keys("G"))


def test_empty(empty_workspace: Workspace, start: Starter, snap_compare: Compare) -> None:
    """The empty list says what to do."""
    assert snap_compare(start(empty_workspace), run_before=keys())


@pytest.mark.parametrize("theme", ["light", "high-contrast", "16-colours", "dusk", "colour-blind"])
def test_theme(theme: str, workspace: Workspace, start: Starter, snap_compare: Compare) -> None:
    """Text is readable on its ground, the cursor's row and the accent stand out."""
    app = start(workspace, theme=theme)
    assert snap_compare(app, terminal_size=USUAL, run_before=keys("j", "space"))


def test_filter_with_completion(
    workspace: Workspace, start: Starter, snap_compare: Compare
) -> None:
    """Values with their counts hang below the line; the list follows."""
    before = keys("slash", "text:area=")
    assert snap_compare(start(workspace), terminal_size=SMALL, run_before=before)


def test_filter_with_a_wrong_term(
    workspace: Workspace, start: Starter, snap_compare: Compare
) -> None:
    """The wrong term is named, the other one applies, the count says how many are left."""
    before = keys("slash", "text:size:>big area=mnist ", "enter")
    assert snap_compare(start(workspace), terminal_size=USUAL, run_before=before)


@pytest.mark.parametrize("part", range(5))
def test_detail(part: int, workspace: Workspace, start: Starter, snap_compare: Compare) -> None:
    """Files, schema, versions, users of a version; a warning where loading runs code."""
    name = "onnx_mnist" if part else "sklearn_mnist"
    before = keys("slash", f"text:{name}", "enter", "enter", *["l"] * part)
    if part == 2:
        pytest.skip("holds the moment of registration")
    assert snap_compare(start(workspace), terminal_size=USUAL, run_before=before)


def test_difference(workspace: Workspace, start: Starter, snap_compare: Compare) -> None:
    """Two versions beside each other: changed fields, then files, each with its sign."""
    before = keys("slash", "text:onnx", "enter", "v", "space", "j", "space", "v")
    assert snap_compare(start(workspace), terminal_size=USUAL, run_before=before)


def test_register_dialog(workspace: Workspace, start: Starter, snap_compare: Compare) -> None:
    """A wrong path and a wrong name are named beneath their fields."""
    before = keys("n", "text:/nowhere/model.onnx", "tab", "text:!")
    assert snap_compare(start(workspace), terminal_size=SMALL, run_before=before)


def test_tags_dialog(workspace: Workspace, start: Starter, snap_compare: Compare) -> None:
    """One tag a line; the command line that does the same stands below."""
    before = keys("slash", "text:onnx", "enter", "t", "enter", "text:site=north")
    assert snap_compare(start(workspace), terminal_size=SMALL, run_before=before)


def test_delete_dialog(workspace: Workspace, start: Starter, snap_compare: Compare) -> None:
    """The name has to be typed; until then there is only Cancel."""
    assert snap_compare(start(workspace), terminal_size=SMALL, run_before=keys("X"))


def test_verify_dialog(workspace: Workspace, start: Starter, snap_compare: Compare) -> None:
    """Progress and the finding."""
    before = keys("colon", "text:verify", "enter")
    assert snap_compare(start(workspace), terminal_size=SMALL, run_before=before)
