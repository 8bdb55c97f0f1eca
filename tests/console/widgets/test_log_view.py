"""The log view in a small app, over logs that the test writes."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.pilot import Pilot

from backends.targets.records import Gap
from console import theming
from console.app.widgets.contained import Contained, Trouble
from console.app.widgets.log_feed import Source
from console.app.widgets.log_lines import LogLines
from console.app.widgets.log_spool import LogItem, LogSpool
from console.app.widgets.log_view import LogView
from tests.support.loglines import BEGAN, Tap, line
from tests.support.pilots import press, screen_text, settle

Logged = tuple[Pilot[None], LogView]


class LogApp(Contained, App[None]):
    """Nothing but a log."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        self.troubles: list[BaseException] = []
        theme = theming.load_theme(theming.theme_files()["dark"])
        self.register_theme(theming.to_textual(theme))
        self.theme = "dark"

    def compose(self) -> ComposeResult:
        yield LogView(self.source, name="sentiment", clock=lambda: BEGAN + 600)

    def on_mount(self) -> None:
        self.query_one(LogView).focus()

    def on_trouble(self, trouble: Trouble) -> None:
        self.troubles.append(trouble.error)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait for a state, with a deadline."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, screen_text(pilot)
        await pilot.pause(0.01)
    await settle(pilot)


async def driven(source: Source, check: Callable[[Pilot[None], LogView], Awaitable[None]]) -> None:
    """Run a check in the app; it must have had no trouble."""
    app = LogApp(source)
    async with app.run_test(size=(80, 12)) as pilot:
        view = app.query_one(LogView)
        await until(pilot, lambda: view.lines.spool.end > 0)
        await check(pilot, view)
    assert app.troubles == []


async def test_it_follows_until_someone_moves_up_and_counts_what_is_unseen() -> None:
    tap = Tap([line(number) for number in range(100)])

    async def check(pilot: Pilot[None], view: LogView) -> None:
        assert "line 99" in screen_text(pilot)
        tap.write(line(100))
        await until(pilot, lambda: view.lines.spool.end == 101)
        assert "line 100" in screen_text(pilot)
        assert "following" in screen_text(pilot)
        await press(pilot, "k", "k")
        before = view.lines.scroll_offset
        tap.write(*[line(number) for number in range(101, 131)])
        await until(pilot, lambda: view.lines.spool.end == 131)
        assert view.lines.scroll_offset == before
        assert "pinned +30 new" in screen_text(pilot)
        await press(pilot, "end")
        assert "line 130" in screen_text(pilot)
        assert "following" in screen_text(pilot)

    await driven(tap, check)


def spied(spool: LogSpool, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the items that are read from now on."""
    numbers: list[int] = []
    original = spool.read

    def read(number: int) -> LogItem:
        numbers.append(number)
        return original(number)

    monkeypatch.setattr(spool, "read", read)
    return numbers


async def test_a_hundred_thousand_lines_cost_what_is_visible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tap = Tap([line(number) for number in range(100_000)])

    async def check(pilot: Pilot[None], view: LogView) -> None:
        await until(pilot, lambda: view.lines.spool.end == 100_000)
        assert view.lines.virtual_size.height == 100_000
        await press(pilot, "g")
        assert "line 0" in screen_text(pilot)
        read = spied(view.lines.spool, monkeypatch)
        await press(pilot, "pagedown")
        assert len(set(read)) <= 2 * view.lines.size.height

    await driven(tap, check)


async def test_a_search_highlights_and_n_goes_around() -> None:
    items = [line(n, text="needle" if n in {10, 50} else f"hay {n}") for n in range(80)]

    async def check(pilot: Pilot[None], view: LogView) -> None:
        await press(pilot, "slash", "text:needle", "enter")
        assert view.lines.cursor == 50
        assert "'needle' 2 matches" in screen_text(pilot)
        await press(pilot, "n")
        assert view.lines.cursor == 10
        await press(pilot, "N")
        assert view.lines.cursor == 50
        await press(pilot, "escape")
        assert "needle' 2" not in screen_text(pilot)

    await driven(Tap(items), check)


async def test_a_filter_hides_all_else_but_gaps_and_applies_to_what_comes() -> None:
    tap = Tap([line(1, text="one"), Gap("connection lost", 2), line(2, text="two")])

    async def check(pilot: Pilot[None], view: LogView) -> None:
        await press(pilot, "ampersand", "text:two", "enter")
        assert "one" not in screen_text(pilot).replace("connection", "")
        assert "2 lines missing" in screen_text(pilot)
        tap.write(line(3, text="two again"), line(4, text="three"))
        await until(pilot, lambda: view.lines.spool.end == 5)
        assert "two again" in screen_text(pilot)
        assert "three" not in screen_text(pilot)
        await press(pilot, "escape")
        assert "three" in screen_text(pilot)

    await driven(tap, check)


async def test_a_wrong_filter_is_named_beside_it_and_nothing_is_lost() -> None:
    async def check(pilot: Pilot[None], _view: LogView) -> None:
        await press(pilot, "ampersand", "text:level:loud", "enter")
        assert "There is no level 'loud'" in screen_text(pilot)
        await press(pilot, "escape")
        assert "line 1" in screen_text(pilot)

    await driven(Tap([line(1)]), check)


async def test_errors_are_one_key_away() -> None:
    items = [line(n, level="ERROR" if n in {20, 60} else "INFO") for n in range(80)]

    async def check(pilot: Pilot[None], view: LogView) -> None:
        await press(pilot, "E")
        assert view.lines.cursor == 20
        await press(pilot, "E")
        assert view.lines.cursor == 60

    await driven(Tap(items), check)


async def test_enter_opens_a_line_and_closes_it() -> None:
    trace = line(2, text="ValueError: empty\n  File score.py\n    raise", rid="7f3a")

    async def check(pilot: Pilot[None], _view: LogView) -> None:
        assert "File score.py" not in screen_text(pilot)
        await press(pilot, "enter")
        assert "┆   File score.py" in screen_text(pilot)
        assert "boot boot1" in screen_text(pilot)
        await press(pilot, "enter")
        assert "File score.py" not in screen_text(pilot)

    await driven(Tap([line(1), trace]), check)


async def test_wrapping_shows_all_of_a_long_line_and_keeps_wide_characters_whole() -> None:
    long = line(1, text="日本語" * 40 + "END")

    async def check(pilot: Pilot[None], view: LogView) -> None:
        assert "END" not in screen_text(pilot)
        await press(pilot, "w")
        shown = screen_text(pilot)
        assert "END" in shown
        assert shown.count("日") == 40
        assert view.lines.virtual_size.height == 5 + 1

    await driven(Tap([long, line(2)]), check)


async def test_times_change_from_clock_to_since_to_none() -> None:
    async def check(pilot: Pilot[None], _view: LogView) -> None:
        assert "22:13:22.000 INFO" in screen_text(pilot)
        await press(pilot, "t")
        assert "+1.000 INFO" in screen_text(pilot)
        await press(pilot, "t")
        assert "\n INFO  line 1" in screen_text(pilot)

    await driven(Tap([line(1), line(2)]), check)


async def test_digits_say_how_far_back_and_p_reads_the_life_before() -> None:
    tap = Tap([line(1)])

    async def check(pilot: Pilot[None], _view: LogView) -> None:
        await press(pilot, "2")
        await until(pilot, lambda: len(tap.queries) == 2)
        assert tap.queries[-1].since == BEGAN + 600 - 300
        assert "last 5m" in screen_text(pilot)
        await press(pilot, "p")
        await until(pilot, lambda: len(tap.queries) == 3)
        assert tap.queries[-1].previous
        assert not tap.queries[-1].follow
        assert "previous instance" in screen_text(pilot)

    await driven(tap, check)


async def test_saving_writes_what_is_shown_where_it_says(tmp_path: Path) -> None:
    file = tmp_path / "saved.log"
    items = [line(1, text="keep \x1b[31mthis\x1b[0m", rid="7f3a"), line(2, text="not that")]

    async def check(pilot: Pilot[None], view: LogView) -> None:
        view.only("keep")
        await press(pilot, "S")
        view.query_one("Prompt").value = str(file)  # type: ignore[attr-defined]
        await press(pilot, "enter")
        assert file.read_text("utf-8") == (
            "2023-11-14T22:13:21.000+00:00 a INFO keep this rid=7f3a\n"
        )

    await driven(Tap(items), check)


async def test_no_escape_reaches_the_screen() -> None:
    hostile = "\x1b]0;PWNED\x07\x1b[2J\x9b31m\x1b]52;c;eA==\x1b\\ harmless \x1b[31mred"
    json_line = '{"message": "\\u001b[2Jhidden", "user": "\\u009b31m\\u202etxt"}'

    async def check(pilot: Pilot[None], _view: LogView) -> None:
        shown = screen_text(pilot)
        assert shown.replace("\n", "").isprintable()
        assert "harmless red" in shown
        assert "PWNED" not in shown
        await press(pilot, "enter", "w")
        assert screen_text(pilot).replace("\n", "").isprintable()

    await driven(Tap([line(1, text=hostile), line(2, text=json_line)]), check)


@pytest.mark.parametrize("size", [(20, 5), (200, 50), (1, 1)])
async def test_it_stands_any_size_and_comes_back(size: tuple[int, int]) -> None:
    items = [line(n, text="日本 " * (n % 30), rid="7f3a", ms=1.0) for n in range(300)]

    async def check(pilot: Pilot[None], view: LogView) -> None:
        await press(pilot, "w")
        for wanted in (size, (80, 12)):
            await pilot.resize_terminal(*wanted)
            await settle(pilot)
        assert view.lines.follow
        assert view.lines.scroll_offset.y == view.lines.max_scroll_y
        assert view.lines.size == Size(80, 11)

    await driven(Tap(items), check)


def reached(view: LogView, end: int) -> bool:
    """So many lines came."""
    return view.lines.spool.end == end


async def test_the_view_stays_where_it_is_when_old_lines_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tap = Tap([line(number) for number in range(2_000)])

    async def check(pilot: Pilot[None], view: LogView) -> None:
        view.lines.spool._half = 40_000  # a small disk
        view.lines.go(1_990)
        await settle(pilot)
        for start in range(2_000, 6_000, 500):
            tap.write(*[line(number) for number in range(start, start + 500)])
            await until(pilot, partial(reached, view, start + 500))
            if view.lines.spool.first > 0:
                break
        assert view.lines.spool.first > 0
        item = view.lines.item()
        assert item is not None
        shown = max(1_990, view.lines.spool.first)
        assert f"line {shown}" in screen_text(pilot)

    await driven(tap, check)


def test_every_key_has_an_id() -> None:
    for binding in (*LogView.BINDINGS, *LogLines.BINDINGS):
        assert getattr(binding, "id", None), binding
