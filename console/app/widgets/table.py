"""A table that costs what is visible: it draws lines, and pulls rows as they come in view."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.app.widgets.contained import Contained
from console.app.widgets.rows import GAP, PAGE, Column, Pages, Row, fit
from console.present import Cell, Tone, plain

Fetch = Callable[[int, int], Awaitable[Sequence[Row]]]
"""Rows from one position to another."""

GUTTER = 3
"""Cells before the first column: the cursor's bar, the mark, a blank."""


class Table(Contained, ScrollView, can_focus=True):
    """Rows under one header line, a cursor, marks.

    `show` gives it all rows; `browse` gives it a way to fetch them. The cursor stays on the row
    of the same id when the rows are replaced.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", id="list.down", show=False),
        Binding("k,up", "move(-1)", "up", id="list.up", show=False),
        Binding("g,home", "move_to(0)", "first", id="list.first", show=False),
        Binding("G,end", "move_to(-1)", "last", id="list.last", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", id="list.page_down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", id="list.page_up", show=False),
        Binding("enter", "open", "open", id="list.open", show=False),
        Binding("space", "mark", "mark", id="list.mark", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--head",
        "table--bar",
        "table--cursor",
        *(f"table--{tone}" for tone in Tone),
    }
    DEFAULT_CSS = """
    Table {
        background: $background;
        color: $foreground;
        height: 1fr;
        & > .table--head { color: $dim; }
        & > .table--bar { color: $accent; text-style: bold; }
        & > .table--cursor { background: $selection; color: $selection-text; }
        & > .table--strong { text-style: bold; }
        & > .table--dim { color: $dim; }
        & > .table--accent { color: $accent; }
        & > .table--good { color: $good; }
        & > .table--busy { color: $busy; }
        & > .table--warn { color: $warn; }
        & > .table--bad { color: $bad; }
    }
    """

    cursor: reactive[int] = reactive(0)
    """Position of the row under the cursor."""

    @dataclass
    class Highlighted(Message):
        """The cursor came to another row, or the table became empty (None)."""

        table: "Table"
        id: str | None

        @property
        def control(self) -> "Table":
            """The table, for `@on` selectors."""
            return self.table

    @dataclass
    class Opened(Message):
        """`enter` or a second click on a row."""

        table: "Table"
        id: str

        @property
        def control(self) -> "Table":
            """The table, for `@on` selectors."""
            return self.table

    def __init__(
        self, columns: Sequence[Column], *, empty: str = "Nothing here.", classes: str = ""
    ) -> None:
        super().__init__(classes=classes)
        self.columns = columns
        self.empty = empty
        """What is said when there is no row."""
        self.marks: set[str] = set()
        """Ids of marked rows."""
        self._pages = Pages()
        self._fetch: Fetch | None = None
        self._asked: set[int] = set()
        self._at: str | None = None
        self._fitted: tuple[int, tuple[tuple[int, int], ...]] = (-1, ())

    # — rows —

    @property
    def total(self) -> int:
        """How many rows there are."""
        return self._pages.total

    @property
    def at(self) -> str | None:
        """Id of the row under the cursor."""
        return self.id_at(self.cursor)

    def id_at(self, position: int) -> str | None:
        """Id of the row there, when it is held."""
        row = self._pages.get(position)
        return row.id if row else None

    def text_at_cursor(self) -> str:
        """The row under the cursor as text, its cells apart."""
        row = self._pages.get(self.cursor)
        return "  ".join(cell.text for cell in row.cells if cell.text) if row else ""

    def show(self, rows: Sequence[Row], *, columns: Sequence[Column] | None = None) -> None:
        """Replace all rows, and the columns when some are given."""
        if columns is not None:
            self.columns = columns
            self._fitted = (-1, ())
        self._fetch = None
        self._replace(Pages(len(rows), rows))

    async def browse(self, fetch: Fetch, *, stay: bool) -> None:
        """Replace the rows by such as are fetched when they come in view.

        The first page is fetched now. How many rows there are is known when that page is not
        full; otherwise `set_total` has to follow.

        Args:
            fetch: Gets rows by position; errors it raises are shown.
            stay: The same list again: the cursor keeps its row, else its position. Otherwise it
                keeps its row if that is on the first page, else goes to the top.
        """
        first = await fetch(0, PAGE)
        page = self.cursor // PAGE if stay else 0
        pages = Pages(len(first) if len(first) < PAGE else max(self.total, PAGE), first)
        if page and len(first) == PAGE:
            pages.put(page, await fetch(page * PAGE, (page + 1) * PAGE))
        self._fetch = fetch
        if not stay and self._at is not None and pages.position(self._at) is None:
            self.set_reactive(Table.cursor, 0)
        self._replace(pages)

    def set_total(self, total: int) -> None:
        """Say how many rows there are, once that is counted."""
        self._pages.total = total
        self.set_reactive(Table.cursor, self._within(self.cursor))
        self._resize()

    def _replace(self, pages: Pages) -> None:
        before = self._at
        self._pages = pages
        self._asked.clear()
        found = pages.position(before) if before else None
        self.set_reactive(Table.cursor, self._within(self.cursor if found is None else found))
        self._resize()
        self._follow()
        self._tell()

    def _within(self, position: int) -> int:
        return max(0, min(position, self.total - 1))

    def _resize(self) -> None:
        self.virtual_size = Size(0, self.total + 1)
        self.refresh()

    def _pull(self, start: int, stop: int) -> None:
        for page in self._pages.missing(start, stop):
            if self._fetch is not None and page not in self._asked:
                self._asked.add(page)
                self._get(self._pages, self._fetch, page)

    @work(group="pages", exit_on_error=False)
    async def _get(self, pages: Pages, fetch: Fetch, page: int) -> None:
        rows = await fetch(page * PAGE, (page + 1) * PAGE)
        if pages is self._pages:  # an answer to what is still asked
            pages.put(page, rows)
            self._asked.discard(page)
            self.refresh()
            self._tell()

    # — cursor —

    def validate_cursor(self, cursor: int) -> int:
        """Keep it on a row."""
        return self._within(cursor)

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint the two rows, and scroll when the new one is out of view."""
        for position in (old, new):
            self._repaint(position)
        self._follow()
        self._tell()

    def _repaint(self, position: int) -> None:
        line = position + 1 - self.scroll_offset.y
        if 0 < line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    def _follow(self) -> None:
        height = max(self.size.height - 1, 1)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)

    def _tell(self) -> None:
        if self.at != self._at and (self.at is not None or not self.total):
            self._at = self.at
            self.post_message(self.Highlighted(self, self.at))

    # — actions —

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self.cursor += step

    def action_move_to(self, position: int) -> None:
        """Move the cursor to a row; a negative position counts from the end."""
        self.cursor = position if position >= 0 else self.total + position

    def action_page(self, step: int) -> None:
        """Move the cursor by a screenful."""
        self.cursor += step * max(self.size.height - 2, 1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.at is not None:
            self.post_message(self.Opened(self, self.at))

    def action_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go on to the next."""
        if self.at is not None:
            self.marks ^= {self.at}
            self._repaint(self.cursor)
            self.cursor += 1

    def clear_marks(self) -> None:
        """Take all marks away."""
        self.marks.clear()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there; a second click opens."""
        position = self.scroll_offset.y + event.y - 1
        if event.y > 0 and position < self.total:
            self.cursor = position
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.call_after_refresh(self._follow)

    def on_focus(self) -> None:
        """Show the cursor as the place where keys go."""
        self._repaint(self.cursor)

    def on_blur(self) -> None:
        """Show the cursor as remembered."""
        self._repaint(self.cursor)

    # — drawing —

    def render_line(self, y: int) -> Strip:
        """The header, or the row that is scrolled to this line."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y == 0:
            self._pull(self.scroll_offset.y, self.scroll_offset.y + self.size.height)
            style = base + self.get_component_rich_style("table--head", partial=True)
            titles = [Cell(column.title) for column in self.columns]
            return self._strip([Segment(" " * GUTTER, base)], titles, style, width)
        position = self.scroll_offset.y + y - 1
        row = self._pages.get(position)
        if row is not None:
            return self._row(row, position == self.cursor, width)
        if not self.total and y == 1:
            dim = base + self.get_component_rich_style("table--dim", partial=True)
            return Strip([Segment(" " * GUTTER + self.empty, dim)]).adjust_cell_length(width, base)
        return Strip.blank(width, base)

    def _row(self, row: Row, current: bool, width: int) -> Strip:
        style = self.rich_style
        if current and self.has_focus:
            style += self.get_component_rich_style("table--cursor", partial=True)
        place = "table--bar" if self.has_focus else "table--dim"
        bar = style + self.get_component_rich_style(place, partial=True)
        mark = "◆" if row.id in self.marks else " "
        gutter = [Segment("▌" if current else " ", bar), Segment(f"{mark} ", bar)]
        cells = row.cells
        if current and self.has_focus:  # dim text would not stand out on the cursor's ground
            cells = tuple(Cell(c.text) if c.tone is Tone.DIM else c for c in row.cells)
        return self._strip(gutter, cells, style, width)

    def _strip(
        self, gutter: list[Segment], cells: Sequence[Cell], style: Style, width: int
    ) -> Strip:
        segments = gutter
        for place, (index, room) in enumerate(self._fit(width)):
            if place:
                segments.append(Segment(" " * GAP, style))
            cell = cells[index]
            text = _fitted(plain(cell.text), room, right=self.columns[index].right)
            segments.append(Segment(text, style + self._tone(cell.tone)))
        return Strip(segments).adjust_cell_length(width, style)

    def _fit(self, width: int) -> tuple[tuple[int, int], ...]:
        """The columns for this width; a scroll bar that comes or goes changes it unannounced."""
        if self._fitted[0] != width:
            self._fitted = (width, fit(self.columns, width - GUTTER - 1))
        return self._fitted[1]

    def _tone(self, tone: Tone) -> Style:
        if tone is Tone.PLAIN:
            return Style.null()
        return self.get_component_rich_style(f"table--{tone}", partial=True)


def _fitted(text: str, width: int, *, right: bool) -> str:
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(width - 1, 0)) + "…"
    blank = " " * (width - length)
    return blank + text if right else text + blank
