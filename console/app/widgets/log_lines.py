"""The lines of a log: a view whose cost is what is visible, however long the log."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from backends.targets.records import LogLine, Stream
from console.app.widgets import log_paint
from console.app.widgets.highlight import highlight
from console.app.widgets.log_layout import LogLayout
from console.app.widgets.log_paint import Look, Stamps
from console.app.widgets.log_query import LogSearch, Matches
from console.app.widgets.log_rows import LogRows
from console.app.widgets.log_spool import ERROR, LogItem, LogSpool
from console.present import Tone

CURSOR = "▌"


class LogLines(ScrollView, can_focus=True):
    """Draws the visible rows of a spool; follows its end until someone moves up.

    | key | |
    |---|---|
    | j k ↑ ↓ PgUp PgDn g G | move the cursor; up pins the view, the end follows again |
    | h ← → | sideways |
    | enter | open and close a line |
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "up", show=False, id="log.up"),
        Binding("down,j", "cursor(1)", "down", show=False, id="log.down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="log.page-up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="log.page-down"),
        Binding("home,g", "oldest", "first line", show=False, id="log.first"),
        Binding("end,G", "newest", "follow the end", show=False, id="log.last"),
        Binding("left,h", "sideways(-16)", "left", show=False, id="log.left"),
        Binding("right", "sideways(16)", "right", show=False, id="log.right"),
        Binding("enter", "open", "open line", show=False, id="log.open"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"log-lines--{tone}" for tone in Tone),
        "log-lines--cursor",
        "log-lines--match",
    }
    DEFAULT_CSS = """
    LogLines {
        height: 1fr;
        overflow-x: hidden;
        .log-lines--plain { color: $foreground; }
        .log-lines--strong { text-style: bold; }
        .log-lines--dim { color: $dim; }
        .log-lines--accent { color: $accent; }
        .log-lines--good { color: $good; }
        .log-lines--busy { color: $busy; }
        .log-lines--warn { color: $warn; }
        .log-lines--bad { color: $bad; }
        .log-lines--cursor { background: $surface; }
        .log-lines--match { background: $selection; color: $selection-text; text-style: underline; }
    }
    """

    follow: reactive[bool] = reactive(True)
    """New lines are scrolled to."""
    wrap: reactive[bool] = reactive(False, init=False)
    stamps: reactive[Stamps] = reactive(Stamps.CLOCK, init=False)

    class Changed(Message):
        """What the line above the log says is no longer true."""

    def __init__(self, spool: LogSpool, *, id: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self.spool = spool
        self.unseen = 0
        """Lines that came while the view was pinned."""
        self.tags: dict[str, str] = {}
        self.filtered: Matches | None = None
        self.found: Matches | None = None
        self.cursor = 0
        """Number of the item that keys act upon."""
        self._rows = LogRows(spool)
        self._layout = LogLayout(spool)
        self._painted: LRUCache[tuple[int, int], Strip] = LRUCache(1_000)
        self._widest = 0

    # What comes in

    def append(self, items: Sequence[LogItem]) -> None:
        """Take in a batch: one repaint, whatever its size."""
        first, end = self.spool.first, self.spool.end
        self.spool.append(items)
        several = len(self.tags) > 1
        for item in items:
            if not isinstance(item, LogLine) or item.stream is Stream.SERVER:
                continue
            if item.replica not in self.tags:
                self.tags[item.replica] = chr(ord("a") + len(self.tags) % 26)
        for number in range(end, self.spool.end):
            self._widest = max(self._widest, self.spool.width(number))
        if self.spool.first != first:
            self._forget(self.spool.first - first)
        elif several != (len(self.tags) > 1):
            self._lay_out()
        if not self.follow:
            self.unseen += len(items)
        self._extend()

    def clear(self) -> None:
        """Begin again with nothing."""
        self.spool.clear()
        self._layout = LogLayout(self.spool)
        self.unseen, self.cursor, self._widest = 0, 0, 0
        if self.filtered:
            self.filtered = Matches(self.spool, self.filtered.search, markers=True)
        if self.found:
            self.found = Matches(self.spool, self.found.search, markers=False)
        self.follow = True
        self._lay_out()

    def filter(self, search: LogSearch | None) -> None:
        """Show only what matches, and the markers; None shows all."""
        self.filtered = Matches(self.spool, search, markers=True) if search else None
        self._lay_out()
        self._extend()

    def find(self, search: LogSearch | None) -> None:
        """Highlight what matches; `step` goes there."""
        self.found = Matches(self.spool, search, markers=False) if search else None
        self._painted.clear()
        self._extend()
        self.refresh()

    # Where to

    def step(self, way: int) -> bool:
        """Go to the next (1) or previous (-1) match, around the ends; False when there is none."""
        numbers = self.found.numbers if self.found else ()
        ordered = numbers if way > 0 else reversed(numbers)
        beyond = next((n for n in ordered if (n - self.cursor) * way > 0), None)
        if beyond is None and numbers:
            beyond = numbers[0] if way > 0 else numbers[-1]
        if beyond is None:
            return False
        self.go(beyond)
        return True

    def next_error(self, way: int = 1) -> bool:
        """Go to the next line of level ERROR or above, around the end."""
        rank, place = self.spool.rank, self._rows.place(self.cursor)
        total = self._rows.count
        for offset in range(1, total + 1):
            number = self._rows.number((place + offset * way) % total)
            if rank(number) >= ERROR:
                self.go(number)
                return True
        return False

    def go_to_time(self, moment: float) -> None:
        """Pin the view at the first line at or after `moment`."""
        if self.spool.end > self.spool.first:
            self.go(min(self.spool.at(moment), self.spool.end - 1))

    def go(self, number: int) -> None:
        """Put the cursor on an item and pin the view there."""
        self.follow = False
        self._move_to(self._rows.place(number))

    def item(self) -> LogItem | None:
        """What is under the cursor."""
        if not self._rows.count:
            return None
        return self.spool.read(self._rows.number(self._rows.place(self.cursor)))

    @property
    def shown(self) -> int:
        """Items that the filter lets through."""
        return self._rows.count

    # Keys

    def action_cursor(self, step: int) -> None:
        """Move the cursor by lines."""
        self._step_by(step)

    def action_page(self, pages: int) -> None:
        """Move the cursor by a screenful."""
        self._step_by(pages * max(self.size.height - 1, 1))

    def action_oldest(self) -> None:
        """Go to the first line."""
        self.follow = False
        self._move_to(0)

    def action_newest(self) -> None:
        """Go to the end and follow it."""
        self.follow = True

    def action_sideways(self, cells: int) -> None:
        """Scroll to a side."""
        self.scroll_to(x=self.scroll_x + cells, animate=False, force=True)

    def action_open(self) -> None:
        """Show all of the line under the cursor beneath it, or hide it again."""
        if not isinstance(self.item(), LogLine):
            return
        self.follow = False
        self._layout.toggle(self.cursor)
        self._lay_out()
        self._move_to(self._rows.place(self.cursor))

    # Reactions

    def watch_follow(self, follow: bool) -> None:
        """At the end again, nothing is unseen."""
        if follow:
            self.unseen = 0
            self._to_end()
        self.post_message(self.Changed())

    def watch_wrap(self) -> None:
        """Fold or unfold the long lines."""
        self.scroll_to(x=0, animate=False, force=True)
        self._keep_place()

    def watch_stamps(self) -> None:
        """Draw other times."""
        self._keep_place()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling up by wheel or bar pins, too."""
        super().watch_scroll_y(old_value, new_value)
        if self.follow and new_value < old_value and new_value < self.max_scroll_y:
            self.follow = False

    def notify_style_update(self) -> None:
        """Other colours: nothing painted is good any more."""
        super().notify_style_update()
        self._painted.clear()

    def on_resize(self) -> None:
        """Fold anew at the new width."""
        self._keep_place()

    def on_focus(self) -> None:
        """The cursor shows while the log has the keys."""
        self._painted.clear()
        self.refresh()

    def on_blur(self) -> None:
        """The cursor goes."""
        self._painted.clear()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line; a second click opens it."""
        row = self.scroll_offset.y + event.y
        if row < self._rows.height:
            self.go(self._rows.number(self._rows.at(row)[0]))
            if event.chain == 2:
                self.action_open()

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        x, row = self.scroll_offset.x, self.scroll_offset.y + y
        base = self.rich_style
        if row >= self._rows.height:
            return Strip.blank(self.size.width, base)
        place, part = self._rows.at(row)
        number = self._rows.number(place)
        strip = self._painted.get((number, part))
        if strip is None:
            strip = self._paint(place, number, part)
            self._painted[(number, part)] = strip
        style = base
        if number == self.cursor and self.has_focus:
            style = base + self.get_component_rich_style("log-lines--cursor", partial=True)
        gutter = Segment(CURSOR if style is not base else " ", style + self._style(Tone.ACCENT))
        room = self.size.width - 1
        body = strip.crop_extend(x, x + room, None)
        if strip.cell_length > x + room:
            body = Strip([*body.crop(0, room - 1), Segment("›", self._style(Tone.ACCENT))])
        return Strip([gutter, *body.apply_style(style)])

    def _paint(self, place: int, number: int, part: int) -> Strip:
        before = self.spool.time(self._rows.number(place - 1) if place else number)
        rows = self._layout.rows(number, before)
        found = self.found.search.text if self.found else None
        match = self.get_component_rich_style("log-lines--match", partial=True)
        pieces: list[Segment] = []
        for place_in_row, cell in enumerate(rows[part] if part < len(rows) else ()):
            piece = Segment(cell.text, self._style(cell.tone))
            searched = part or place_in_row >= log_paint.prefix_cells(self._layout.look)
            pieces.extend(highlight(piece, found if searched else None, match))
        return Strip(pieces)

    def _style(self, tone: Tone) -> Style:
        return self.get_component_rich_style(f"log-lines--{tone}", partial=True)

    # Layout

    def _lay_out(self) -> None:
        """Decide anew which rows show what."""
        look = Look(self.stamps, self.tags, max(self.size.width - 2, 8))
        self._layout.restyle(look, self.wrap)
        chosen = self.filtered.numbers if self.filtered else None
        self._rows.show(chosen, self._layout.height if self._layout.uneven else None)
        self._painted.clear()
        self._resize_content()
        self.refresh()

    def _extend(self) -> None:
        """Look at what came, a slice at a time, and show it."""
        for matches in (self.filtered, self.found):
            if matches and not matches.complete:
                matches.extend()
        self._rows.extend()
        self._resize_content()
        if self.follow:
            self._to_end()
        self.post_message(self.Changed())
        if any(matches and not matches.complete for matches in (self.filtered, self.found)):
            self.call_later(self._extend)

    def _resize_content(self) -> None:
        width = 0 if self.wrap else 2 + log_paint.prefix_width(self._layout.look) + self._widest
        self.virtual_size = Size(width, self._rows.height)

    def _forget(self, gone: int) -> None:
        """The oldest `gone` items left the spool."""
        for matches in (self.filtered, self.found):
            if matches:
                matches.forget(self.spool.first)
        self._layout.forget(self.spool.first)
        self.cursor = max(self.cursor, self.spool.first)
        self._lay_out()
        if not self.follow:
            self.scroll_to(y=self.scroll_y - gone, animate=False, force=True)

    def _keep_place(self) -> None:
        """Lay out anew with the cursor's line where it was."""
        self._lay_out()
        if self.follow:
            self._to_end()
        elif self._rows.count:
            self._move_to(self._rows.place(self.cursor))

    # Moving

    def _step_by(self, step: int) -> None:
        if not self._rows.count:
            return
        place = self._rows.place(self.cursor) + step
        if self.follow and step > 0:
            return
        self.follow = False
        self._move_to(place)

    def _move_to(self, place: int) -> None:
        if not self._rows.count:
            return
        place = max(0, min(place, self._rows.count - 1))
        self.cursor = self._rows.number(place)
        top = self._rows.top(place)
        height = self._layout.height(self.cursor)
        if top < self.scroll_y:
            self.scroll_to(y=top, animate=False, force=True)
        elif top + height > self.scroll_y + self.size.height:
            self.scroll_to(y=min(top, top + height - self.size.height), animate=False, force=True)
        self.refresh()

    def _to_end(self) -> None:
        if self._rows.count:
            self.cursor = self._rows.number(self._rows.count - 1)
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        self.refresh()
