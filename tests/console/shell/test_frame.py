"""Header, modes, command line, help, palette, read-only, errors: the frame around every view."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from backends import paths
from backends.errors import Conflict
from backends.registry.records import Registration
from backends.workspace import Workspace
from console.app.app import PilothouseApp
from console.app.shell.command_line import CommandLine
from console.app.shell.help import HelpSheet
from console.app.widgets.contained import Trouble
from console.settings import Settings
from tests.console.conftest import Starter
from tests.support.pilots import SMALL, press, screen_text, settle


def toasts(app: PilothouseApp) -> list[tuple[str, str]]:
    """Title and message of each toast."""
    return [(each.title, each.message) for each in app._notifications]


async def test_digits_switch_modes_and_the_header_says_which(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        for key, word in (("3", "LINK"), ("4", "WHEN"), ("1", "FRAMEWORK")):
            await press(pilot, key)
            assert word in screen_text(pilot)
        assert "factory-north" in screen_text(pilot).splitlines()[0]
        assert "5 models" in screen_text(pilot).splitlines()[0]


async def test_q_goes_back_and_at_the_root_ends_the_console(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpSheet)
        await press(pilot, "q")
        assert not app.screen.is_modal
        await pilot.press("q")
        assert app._exit


async def test_read_only_refuses_changes_and_wears_a_badge(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        await press(pilot, "exclamation_mark")
        assert "read-only" in screen_text(pilot).splitlines()[1]
        for key in ("n", "t", "X"):
            await press(pilot, key)
            assert not app.screen.is_modal
        assert len([title for title, _ in toasts(app) if title.startswith("Read-only")]) == 3
        await press(pilot, "exclamation_mark", "n")
        assert app.screen.is_modal


async def test_the_command_line_leads_to_a_filtered_view_and_remembers(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "3", "colon", "text:models area=mnist", "enter")
        assert "2 of 5" in screen_text(pilot)
        await press(pilot, "colon", "up")
        assert ":models area=mnist" in screen_text(pilot)
        await press(pilot, "escape")
        assert not isinstance(app.screen, CommandLine)


async def test_an_unknown_command_is_answered_with_near_ones(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        await press(pilot, "colon", "text:modls", "enter")
        assert toasts(app) == [("There is no command ':modls'.", "Near: :models")]


async def test_tab_completes_commands_and_their_arguments(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "colon", "text:th", "tab", "text:dus", "tab")
        assert ":theme dusk" in screen_text(pilot)
        await press(pilot, "enter")
        assert app.theme == "dusk"
        assert "theme: dusk" in (paths.settings_dir() / "settings.yaml").read_text()


async def test_help_lists_the_keys_of_the_view_that_asked(
    workspace: Workspace, start: Starter
) -> None:
    app = start(workspace)
    async with app.run_test(size=(100, 60)) as pilot:
        await settle(pilot)
        await press(pilot, "question_mark")
        shown = screen_text(pilot)
        for word in ("register", "deploy", "tags", "delete", ":theme NAME", "read-only"):
            assert word in shown
        await press(pilot, "escape", "3", "question_mark")
        assert "check again" in screen_text(pilot)
        assert "register" not in screen_text(pilot).partition("Commands")[0]


async def test_the_palette_does_what_a_key_does(workspace: Workspace, start: Starter) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "ctrl+p", "text:verify iris", "enter")
        assert "Every byte is what was registered" in screen_text(pilot)


async def test_keys_are_remapped_by_the_settings(workspace: Workspace) -> None:
    app = PilothouseApp(workspace, settings=Settings(keys={"models.register": "r,insert"}))
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        assert "r register" in screen_text(pilot)
        await press(pilot, "n")
        assert not app.screen.is_modal
        await press(pilot, "r")
        assert app.screen.is_modal


async def test_every_binding_of_ours_can_be_remapped(workspace: Workspace, start: Starter) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        for mode in ("1", "3", "4"):
            await press(pilot, mode)
            for active in app.screen.active_bindings.values():
                if type(active.node).__module__.startswith("console"):
                    inherited = active.binding.action.startswith(
                        ("scroll", "page_", "app.", "screen.", "copy_text")
                    )
                    builtin = active.binding.key in {"ctrl+q", "ctrl+c", "super+c"}
                    assert active.binding.id or inherited or builtin, active.binding


async def test_a_fault_in_a_handler_is_logged_and_the_app_stays_up(workspace: Workspace) -> None:
    app = PilothouseApp(workspace)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        app.screen.post_message(Trouble(RuntimeError("[b]broken\x1b[2J")))
        await settle(pilot)
        assert "[b]broken" in toasts(app)[0][0]
        assert [str(fault) for fault in app.faults] == ["[b]broken\x1b[2J"]
        await press(pilot, "j")
        assert "iris" in screen_text(pilot)


async def test_a_known_error_says_what_and_what_to_do(workspace: Workspace, start: Starter) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        app.screen.post_message(Trouble(Conflict("It is [b]there[/b].", fix="Choose another.")))
        await settle(pilot)
        assert toasts(app) == [("It is [b]there[/b].", "Choose another.")]
        assert "It is [b]there[/b]." in screen_text(pilot)


async def test_a_change_by_another_process_comes_into_view(
    workspace: Workspace, start: Starter, tmp_path: Path
) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "j")
        before = app.screen.focused
        other = Workspace.open("factory-north")
        (tmp_path / "new.bin").write_bytes(b"new")
        await app.look()
        other.registry.register(Registration(name="newcomer", path=str(tmp_path / "new.bin")))
        other.close()
        await app.look()
        await settle(pilot)
        assert "newcomer" in screen_text(pilot)
        assert app.screen.focused is before


async def test_the_frame_survives_any_size(workspace: Workspace, start: Starter) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        for size in ((20, 5), (1, 1), (200, 50), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
        assert "pilothouse" in screen_text(pilot)


async def test_a_wrong_theme_in_the_settings_is_named_and_another_worn(
    workspace: Workspace,
) -> None:
    app = PilothouseApp(workspace, settings=Settings(theme="neon"))
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        assert app.theme == "dark"
        assert toasts(app)[0][0] == "There is no theme 'neon'."


async def test_a_paste_of_escape_sequences_draws_none(workspace: Workspace, start: Starter) -> None:
    app = start(workspace)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        app.post_message(events.Paste("a\x1b[2Jb"))
        await settle(pilot)
        assert "\x1b" not in screen_text(pilot)


@pytest.mark.parametrize("theme", ["dark", "16-colours"])
async def test_without_colours_nothing_but_the_terminals_own_is_used(
    theme: str, workspace: Workspace, start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = start(workspace, theme=theme)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        for strip in app.screen._compositor.render_strips(app.size):
            for line_filter in app.get_line_filters():
                strip = strip.apply_filter(line_filter, app.screen.background_colors[1])
            colours = {(s.style.color, s.style.bgcolor) for s in strip if s.style is not None}
            assert all(c is None or c.is_default for pair in colours for c in pair)
        assert "▌" in screen_text(pilot)


@pytest.mark.parametrize("size", [SMALL, (40, 12)], ids=["small", "tiny"])
def test_help_looks(
    size: tuple[int, int],
    workspace: Workspace,
    start: Starter,
    snap_compare: Callable[..., bool],
) -> None:
    """A sheet of keys over the view, which shines through; Close stands below."""

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "question_mark")

    assert snap_compare(start(workspace), terminal_size=size, run_before=before)


def test_command_line_looks(
    workspace: Workspace, start: Starter, snap_compare: Callable[..., bool]
) -> None:
    """Suggestions stand above the line, each with a word about it; the view stays in sight."""

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "colon", "text:deploy ")

    assert snap_compare(start(workspace), terminal_size=SMALL, run_before=before)


def test_errors_look(
    workspace: Workspace, start: Starter, snap_compare: Callable[..., bool]
) -> None:
    """What happened stands bold, what to do below it; the read-only badge in the header."""

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "exclamation_mark", "n")

    assert snap_compare(start(workspace), terminal_size=SMALL, run_before=before)
