"""The virtual table, by itself in a tiny app."""

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from console.app.widgets.rows import Column, Row
from console.app.widgets.table import Table
from console.present import Cell
from console.theming import load_theme, theme_files, to_textual

COLUMNS = (Column(title="NAME", width=8, weight=1), Column(title="N", width=4, right=True))


def rows(*names: str) -> list[Row]:
    return [Row(name, (Cell(name), Cell(str(len(name))))) for name in names]


class OneTable(App[None]):
    """A table and what it said."""

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(to_textual(load_theme(theme_files()["dark"])))
        self.theme = "dark"
        self.table = Table(COLUMNS, empty="Nothing.")
        self.opened: list[str] = []
        self.asked: list[tuple[int, int]] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_table_opened(self, event: Table.Opened) -> None:
        self.opened.append(event.id)

    async def fetch(self, start: int, stop: int) -> Sequence[Row]:
        self.asked.append((start, stop))
        return rows(*(f"row{number}" for number in range(start, min(stop, 100_000))))


def text(pilot: Pilot[None]) -> list[str]:
    lines = pilot.app.screen._compositor.render_strips(pilot.app.size)
    return [line.text.rstrip() for line in lines]


async def test_it_draws_a_header_and_aligned_rows() -> None:
    app = OneTable()
    async with app.run_test(size=(24, 5)) as pilot:
        app.table.show(rows("ab", "abc"))
        await pilot.pause()
        assert text(pilot)[:3] == [
            "   NAME               N",
            "▌  ab                 2",
            "   abc                3",
        ]


async def test_an_empty_one_says_so() -> None:
    app = OneTable()
    async with app.run_test(size=(24, 5)) as pilot:
        app.table.show([])
        await pilot.pause()
        assert "Nothing." in text(pilot)[1]
        await pilot.press("j", "enter", "space", "G")
        assert app.opened == []


async def test_keys_move_the_cursor_and_the_view_follows() -> None:
    app = OneTable()
    async with app.run_test(size=(24, 6)) as pilot:
        app.table.show(rows(*(f"row{number}" for number in range(30))))
        await pilot.press("G")
        assert app.table.at == "row29"
        assert "row29" in text(pilot)[5]
        await pilot.press("k", "k", "pageup", "g", "j", "down")
        assert app.table.at == "row2"
        await pilot.press("enter")
        assert app.opened == ["row2"]


async def test_the_cursor_stays_on_its_row_when_rows_change() -> None:
    app = OneTable()
    async with app.run_test(size=(24, 6)) as pilot:
        app.table.show(rows("a", "b", "c"))
        await pilot.press("j", "j")
        app.table.show(rows("new", "a", "b", "c"))
        assert app.table.at == "c"
        app.table.show(rows("new", "a"))
        assert app.table.at == "a"


async def test_marks_toggle_and_stay_with_their_rows() -> None:
    app = OneTable()
    async with app.run_test(size=(24, 6)) as pilot:
        app.table.show(rows("a", "b", "c"))
        await pilot.press("space", "space", "k", "space")
        assert app.table.marks == {"a"}
        app.table.show(rows("z", "a"))
        await pilot.pause()
        assert "◆ a" in text(pilot)[2]


async def test_only_pages_in_view_are_fetched() -> None:
    app = OneTable()
    async with app.run_test(size=(24, 10)) as pilot:
        await app.table.browse(app.fetch, stay=False)
        app.table.set_total(100_000)
        await pilot.press("G")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.table.at == "row99999"
        assert "row99999" in text(pilot)[9]
        assert app.asked == [(0, 100), (99_900, 100_000)]


async def test_a_late_page_of_rows_that_were_replaced_is_dropped() -> None:
    app = OneTable()
    async with app.run_test(size=(24, 10)) as pilot:
        await app.table.browse(app.fetch, stay=False)
        app.table.set_total(100_000)
        app.table.action_move_to(-1)
        app.table.show(rows("only"))
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.table.at == "only"
        assert app.table.total == 1


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (20, 5)])
async def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    app = OneTable()
    async with app.run_test(size=size) as pilot:
        app.table.show(rows("ab", "日本語のモデル", "x" * 300))
        await pilot.press("j", "j", "k")
        assert app.table.at == "日本語のモデル"


async def test_hostile_text_cannot_act_on_the_terminal() -> None:
    app = OneTable()
    async with app.run_test(size=(40, 5)) as pilot:
        app.table.show(rows("[b]x[/b]\x1b[2J\x1b]0;owned\x07"))
        await pilot.pause()
        assert "[b]x[/b][2J]0;owned" in text(pilot)[1]
        assert "\x1b" not in "".join(text(pilot))
