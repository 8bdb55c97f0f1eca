"""What the Models view does."""

from pathlib import Path

import pytest
from textual.widgets import Button

from backends.registry.records import Framework
from backends.workspace import Workspace
from console.app.models.difference import DifferenceScreen
from console.app.models.register import RegisterDialog
from console.app.models.screen import ModelsScreen
from console.app.shell.dialog import Confirm, Notice
from tests.console.conftest import Starter
from tests.support.pilots import LARGE, SMALL, USUAL, press, screen_text, settle


async def test_the_filter_narrows_as_it_is_typed_and_esc_clears_it(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:area=mnist")
        assert "2 of 5" in screen_text(pilot)
        assert "pump_vibration" not in screen_text(pilot)
        await press(pilot, "enter", "escape")
        assert "pump_vibration" in screen_text(pilot)
        assert "of 5" not in screen_text(pilot)


async def test_a_wrong_term_is_named_and_the_rest_applies(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:version:x area=mnist", "enter")
        assert "2 of 5" in screen_text(pilot)
        assert "version:x" in screen_text(pilot).splitlines()[2]
        assert "write it like" in screen_text(pilot).splitlines()[2]


async def test_tab_offers_tag_names_then_their_values(workspace: Workspace, start: Starter) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:sta", "tab", "tab")
        assert "/ stage=old" in screen_text(pilot) or "/ stage=prod" in screen_text(pilot)


async def test_a_shows_all_versions_and_keeps_the_cursor(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "G")
        screen = app.screen
        assert isinstance(screen, ModelsScreen)
        assert screen.current == "onnx_mnist:4"
        await press(pilot, "a")
        assert "9 versions" in screen_text(pilot)
        assert screen.current == "onnx_mnist:4"


async def test_enter_opens_the_detail_and_esc_goes_back(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:onnx", "enter", "enter")
        assert "digits/model.onnx" in screen_text(pilot)
        await press(pilot, "l")
        assert "Input3" in screen_text(pilot)
        assert "[batch, 1, 28, 28]" in screen_text(pilot)
        await press(pilot, "l")
        assert "accuracy" in screen_text(pilot)
        await press(pilot, "escape")
        assert "FRAMEWORK" in screen_text(pilot)


async def test_a_file_shows_its_whole_hash_and_what_loading_it_would_call(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:sklearn", "enter")
        assert "runs code on load" in screen_text(pilot)
        await press(pilot, "enter", "enter")
        (file,) = workspace.registry.get("sklearn_mnist").files
        assert isinstance(app.screen, Notice)
        assert file.sha256 in screen_text(pilot)
        assert "os system" in screen_text(pilot)


async def test_three_panes_stand_beside_each_other_on_a_wide_terminal(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=LARGE) as pilot:
        await settle(pilot)
        await press(pilot, "G")
        line = screen_text(pilot).splitlines()[3]
        assert line.count("VER") == 2
        assert "[Files]" in line


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
async def test_two_marked_versions_are_compared(
    size: tuple[int, int], workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:onnx", "enter", "v")
        await press(pilot, "space", "j", "space", "v")
        assert isinstance(app.screen, DifferenceScreen)
        shown = screen_text(pilot)
        assert "onnx_mnist:2 → onnx_mnist" in shown
        assert "tag stage" in shown
        assert "digits/model.onnx" in shown
        await press(pilot, "escape")
        assert isinstance(app.screen, ModelsScreen)


async def test_without_marks_a_version_is_compared_with_the_one_before(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:onnx", "enter", "v", "j", "enter")
        assert "onnx_mnist:2 → onnx_mnist:3" in screen_text(pilot)


async def test_delete_asks_for_the_name_and_cancel_is_the_default(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:iris", "enter", "X")
        assert isinstance(app.screen, Confirm)
        assert "pilothouse model delete -i iris:1" in screen_text(pilot)
        await press(pilot, "text:iris", "enter")
        assert app.screen.query_one("#go", Button).disabled
        await press(pilot, "escape")
        assert workspace.registry.versions("iris")
        await press(pilot, "X", "text:iris:1", "enter", "enter")
        assert workspace.registry.versions("iris") == ()
        assert "No model matches" in screen_text(pilot)


async def test_marked_versions_are_deleted_together(workspace: Workspace, start: Starter) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "space", "space", "X")
        assert "Delete 2 versions?" in screen_text(pilot)
        await press(pilot, "text:2 versions", "enter", "enter")
        assert "3 models" in screen_text(pilot)


async def test_a_used_version_is_not_deleted_and_its_services_are_named(
    workspace: Workspace, start: Starter
) -> None:
    workspace.registry.claim("flower-service", ["iris:1"])
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:iris", "enter", "X")
        assert isinstance(app.screen, Notice)
        assert "flower-service" in screen_text(pilot)
        assert workspace.registry.versions("iris")


async def test_tags_are_changed_and_the_command_line_shown(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "text:onnx", "enter", "t")
        await press(pilot, "enter", "text:site=north")
        assert "model update -i onnx_mnist:4 --add-tag site=north" in screen_text(pilot)
        await press(pilot, "ctrl+s")
        assert workspace.registry.get("onnx_mnist").tags["site"] == "north"
        assert isinstance(app.screen, ModelsScreen)


async def test_a_tag_without_a_name_cannot_be_saved(workspace: Workspace, start: Starter) -> None:
    app = start(workspace)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "t", "enter", "text:=north")
        assert "has no name" in screen_text(pilot)
        await press(pilot, "ctrl+s")
        assert app.screen.is_modal


async def test_a_folder_is_registered_with_chosen_parts(
    workspace: Workspace, start: Starter, tmp_path: Path
) -> None:
    folder = tmp_path / "boiler"
    folder.mkdir()
    for name in ("a.bin", "b.bin", "notes.txt"):
        (folder / name).write_text(name)
    app = start(workspace)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "n", f"text:{folder}", "enter", "enter", "right", "right", "enter")
        dialog = app.screen
        assert isinstance(dialog, RegisterDialog)
        assert "-n boiler" in screen_text(pilot)
        await press(pilot, "tab", "text:1.2", "tab", "text:area=heat", "enter", "enter")
        await press(pilot, "space", "space", "ctrl+s")
        made = workspace.registry.get("boiler")
        assert [file.path for file in made.files] == ["boiler/a.bin", "boiler/b.bin"]
        assert made.tags == {"area": "heat"}
        assert made.framework_version == "1.2"
        assert made.framework is Framework.TENSORFLOW
        assert "boiler" in screen_text(pilot)


async def test_a_wrong_path_or_name_is_said_while_typing(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "n", "text:/nowhere", "enter", "text:!")
        assert "There is no such file or folder." in screen_text(pilot)
        assert "beginning with a letter or digit" in screen_text(pilot)
        assert app.screen.query_one("#register", Button).disabled


async def test_damage_is_named_by_verify(workspace: Workspace, start: Starter) -> None:
    (file,) = workspace.registry.get("iris").files
    blob = next(path for path in workspace.root.rglob("*") if path.name.endswith(file.sha256[2:]))
    blob.chmod(0o644)
    blob.write_bytes(b"rotten")
    app = start(workspace)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        await press(pilot, "colon", "text:verify iris:1", "enter")
        assert "Damage" in screen_text(pilot)
        assert "iris:1" in screen_text(pilot)


async def test_y_copies_what_the_cursor_is_on(workspace: Workspace, start: Starter) -> None:
    app = start(workspace)
    async with app.run_test(size=USUAL) as pilot:
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, ModelsScreen)
        await press(pilot, "G")
        assert screen.copy_text() == "onnx_mnist:4"
        await press(pilot, "enter")
        assert screen.copy_text().startswith("digits/labels.txt")
