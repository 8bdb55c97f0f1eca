"""A service's log: lines that come as they are written, searched, filtered, saved."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from backends.errors import InvalidInput
from backends.targets.records import LogLine, LogQuery
from console.app.widgets import log_paint
from console.app.widgets.contained import Contained
from console.app.widgets.log_feed import Source, batched, flush_seconds, resumed
from console.app.widgets.log_lines import LogLines
from console.app.widgets.log_paint import Stamps
from console.app.widgets.log_query import LogSearch, parse_search
from console.app.widgets.log_save import save
from console.app.widgets.log_spool import LogItem, LogSpool
from console.app.widgets.prompt import Prompt
from console.clock import Clock, system_clock
from console.present import count, plain, span

if TYPE_CHECKING:
    from textual.timer import Timer

BACK: Mapping[str, float | None] = {
    "0": None,
    "1": 60.0,
    "2": 300.0,
    "3": 900.0,
    "4": 3_600.0,
    "5": 6 * 3_600.0,
    "6": 24 * 3_600.0,
}
"""Digit to seconds back; None is all there is."""
AT_FIRST = 2_000
"""Lines shown before a time span is chosen."""
RATE_SECONDS = 5.0
LABELS = {"find": "/ ", "filter": "& only ", "save": "save to "}


class LogView(Contained, Vertical):
    """Follows a log from when it is first shown until it is taken away.

    Args:
        source: Opens the log.
        name: What the log is of; names the file that it is saved to.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "follow", id="log.follow"),
        Binding("slash", "ask('find')", "search", id="log.search"),
        Binding("n", "hit(1)", "next match", id="log.next", show=False),
        Binding("N", "hit(-1)", "previous match", id="log.previous-match", show=False),
        Binding("ampersand", "ask('filter')", "only matching", id="log.filter"),
        Binding("E", "error", "next error", id="log.error"),
        Binding("w", "wrap", "wrap", id="log.wrap"),
        Binding("t", "stamps", "time", id="log.stamps"),
        Binding("p", "previous", "previous instance", id="log.previous"),
        Binding("S", "ask('save')", "save", id="log.save"),
        *(
            Binding(
                digit, f"back_to('{digit}')", "how far back", id=f"log.back-{digit}", show=False
            )
            for digit in BACK
        ),
        Binding("escape", "clear", "clear search and filter", id="log.clear", show=False),
    ]
    DEFAULT_CSS = """
    LogView { height: 1fr; }
    LogView > .status { height: 1; color: $dim; padding: 0 1; text-wrap: nowrap; }
    LogView > .ask { height: 1; display: none; padding: 0 1; background: $surface; }
    LogView > .ask.-open { display: block; }
    LogView .label { width: auto; color: $accent; }
    LogView .problem { width: auto; color: $bad; }
    """

    class Arrived(Message):
        """A batch of items came."""

        def __init__(self, items: Sequence[LogItem], reading: int) -> None:
            super().__init__()
            self.items = items
            self.reading = reading

    def __init__(
        self,
        source: Source,
        *,
        name: str,
        clock: Clock = system_clock,
        id: str | None = None,  # noqa: A002  Textual's name
    ) -> None:
        super().__init__(id=id)
        self.subject = name
        self.query_now = LogQuery(tail=AT_FIRST, follow=True)
        self._source = source
        self._clock = clock
        self._spool = LogSpool(log_paint.width)
        self._back = ""
        self._asked = ""
        self._reading = 0
        self._taken = asyncio.Event()
        self._fading: Timer | None = None
        self._jump: tuple[float, bool] | None = None
        self._arrivals: deque[tuple[float, int]] = deque()

    def compose(self) -> ComposeResult:
        """The status, the lines, and a line to type in that shows when it is wanted."""
        yield Static(classes="status")
        yield LogLines(self._spool)
        with Horizontal(classes="ask"):
            yield Static(classes="label")
            yield Prompt()
            yield Static(classes="problem")

    def on_mount(self) -> None:
        """Begin to read."""
        self.restart()

    def on_unmount(self) -> None:
        """Give the disk space back."""
        self._spool.close()

    @property
    def lines(self) -> LogLines:
        """The view of the lines."""
        return self.query_one(LogLines)

    def focus(self, scroll_visible: bool = True) -> "LogView":
        """The keys go to the lines."""
        self.lines.focus(scroll_visible)
        return self

    def restart(self) -> None:
        """Read anew with `query_now`."""
        self._reading += 1
        self._arrivals.clear()
        self.lines.clear()
        self._read(self._reading)

    def only(self, text: str) -> None:
        """Show only what matches; empty shows all."""
        self.lines.filter(_search(text))
        self._say()

    def show_time(self, moment: float, *, error: bool = False) -> None:
        """Pin the view at the first line (or error) at or after `moment`, once it is there."""
        self.lines.filter(None)
        self._jump = (moment, error)
        self._jump_there()

    def _jump_there(self) -> None:
        if self._jump is None:
            return
        moment, error = self._jump
        if self._spool.at(moment) < self._spool.end:
            self._jump = None
            self.lines.go_to_time(moment)
            if error:
                self.lines.next_error()

    def copy_text(self) -> str:
        """The line under the cursor, whole."""
        item = self.lines.item()
        return log_paint.as_text(item) if item else ""

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _read(self, reading: int) -> None:
        stream = resumed(self._source, self.query_now)
        async for items in batched(stream, flush_seconds(os.environ)):
            self._taken.clear()
            self.post_message(self.Arrived(items, reading))
            await self._taken.wait()

    def on_log_view_arrived(self, message: Arrived) -> None:
        """Take in a batch, unless another reading began since."""
        self._taken.set()
        if message.reading == self._reading:
            self._count(message.items)
            self.lines.append(message.items)
            self._jump_there()
            self._fade()

    def on_log_lines_changed(self, message: LogLines.Changed) -> None:
        """Say how things stand."""
        message.stop()
        self._say()

    # Keys

    def action_follow(self) -> None:
        """Follow the end, or pin the view where it is."""
        self.lines.follow = not self.lines.follow

    def action_wrap(self) -> None:
        """Fold long lines, or scroll sideways."""
        self.lines.wrap = not self.lines.wrap

    def action_stamps(self) -> None:
        """Time of day, time since the line before, none."""
        order = list(Stamps)
        self.lines.stamps = order[(order.index(self.lines.stamps) + 1) % len(order)]

    def action_hit(self, way: int) -> None:
        """Go to the next or previous match."""
        if self.lines.found is None:
            self.action_ask("find")
        elif not self.lines.step(way):
            self._tell(f"Nothing here matches '{self.lines.found.search.source}'.")

    def action_error(self) -> None:
        """Go to the next error."""
        if not self.lines.next_error():
            self._tell("There is no error here.")

    def action_previous(self) -> None:
        """Read the process life before the present one, or the present one again."""
        previous = not self.query_now.previous
        self._back = "0"
        self.query_now = LogQuery(previous=previous, follow=not previous)
        self.restart()

    def action_back_to(self, digit: str) -> None:
        """Read from that long ago."""
        seconds = BACK[digit]
        since = self._clock() - seconds if seconds is not None else None
        self._back = digit
        self.query_now = replace(self.query_now, since=since, tail=None)
        self.restart()

    def action_clear(self) -> None:
        """Drop the search and the filter."""
        self.lines.find(None)
        self.lines.filter(None)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  Textual's signature
        """`esc` clears only what is there; otherwise it goes back."""
        if action == "clear":
            return self.is_mounted and bool(self.lines.found or self.lines.filtered)
        return True

    def action_ask(self, what: str) -> None:
        """Open the line to type in."""
        self._asked = what
        present = {"find": self.lines.found, "filter": self.lines.filtered}.get(what)
        prompt = self.query_one(Prompt)
        prompt.value = self._file_name() if what == "save" else ""
        if present:
            prompt.value = present.search.source
        self.query_one(".label", Static).update(LABELS[what])
        self.query_one(".problem", Static).update("")
        self.query_one(".ask").add_class("-open")
        prompt.focus()

    # The line to type in

    @on(Prompt.Submitted)
    def _answer(self, message: Prompt.Submitted) -> None:
        message.stop()
        try:
            self._act(message.value)
        except InvalidInput as error:
            self.query_one(".problem", Static).update(Content(plain(f" {error.what}")))
            return
        self._close_ask()

    def _act(self, text: str) -> None:
        if self._asked == "save":
            self._save(Path(text).expanduser())
        elif self._asked == "filter":
            self.only(text)
        else:
            self.lines.find(_search(text))
            self.call_later(self.lines.step, -1 if self.lines.follow else 1)

    @on(Prompt.Left)
    def _close_ask(self) -> None:
        self.query_one(".ask").remove_class("-open")
        self.lines.focus()

    @work(exclusive=True, group="save", exit_on_error=False)
    async def _save(self, path: Path) -> None:
        kept = self.lines.filtered.search if self.lines.filtered else None
        written = await save(self._spool, kept, path)
        self._tell(str(path), f"Saved {count(written, 'line')}")

    def _tell(self, message: str, title: str = "") -> None:
        self.notify(plain(message), title=plain(title), markup=False)

    def _file_name(self) -> str:
        stamp = datetime.fromtimestamp(self._clock()).astimezone()
        return str(Path.cwd() / f"{self.subject}-{stamp:%Y%m%d-%H%M%S}.log")

    # The status

    def _say(self) -> None:
        if not self.is_mounted:
            return
        facts, right = self._facts(), "  ".join(self._figures())
        room = max(self.size.width - 2 - len(right), 1)
        while len(facts) > 1 and len(" · ".join(facts)) > room - 2:
            facts.pop()
        left = plain(" · ".join(facts))[: room - 1]
        self.query_one(".status", Static).update(Content(f"{left:<{room}}{right}"))

    def _count(self, items: Sequence[LogItem]) -> None:
        """Lines that are new, not those that were read to catch up."""
        since = self._clock() - RATE_SECONDS
        fresh = sum(isinstance(item, LogLine) and item.time > since for item in items)
        if fresh:
            self._arrivals.append((time.monotonic(), fresh))

    def _fade(self) -> None:
        """Bring the rate down once lines no longer come: one timer, and none while it is quiet."""
        if self._fading is None and self._arrivals:
            self._fading = self.set_timer(RATE_SECONDS, self._faded)

    def _faded(self) -> None:
        self._fading = None
        self._say()
        self._fade()

    def _facts(self) -> list[str]:
        lines = self.lines
        facts = [self.subject, "following" if lines.follow else f"pinned{self._unseen()}"]
        if lines.filtered:
            facts.append(f"only '{lines.filtered.search.source}'")
        if lines.found:
            hits = count(len(lines.found.numbers), "match", "matches")
            facts.append(f"'{lines.found.search.source}' {hits}")
        if self.query_now.previous:
            facts.append("previous instance")
        if len(lines.tags) > 1:
            facts.append(count(len(lines.tags), "replica"))
        return [*facts, self._span()]

    def _span(self) -> str:
        if not self._back:
            return f"last {AT_FIRST:,} lines"
        seconds = BACK[self._back]
        return "all" if seconds is None else f"last {span(seconds)}"

    def _unseen(self) -> str:
        return f" +{self.lines.unseen:,} new" if self.lines.unseen else ""

    def _figures(self) -> list[str]:
        total = self._spool.end - self._spool.first
        shown = f"{self.lines.shown:,} of " if self.lines.filtered else ""
        figures = [f"{shown}{count(total, 'line')}"]
        now = time.monotonic()
        while self._arrivals and now - self._arrivals[0][0] > RATE_SECONDS:
            self._arrivals.popleft()
        if rate := sum(number for _at, number in self._arrivals) / RATE_SECONDS:
            figures.append(f"{rate:,.0f} lines/s" if rate >= 2 else f"{rate:.1f} lines/s")
        return figures


def _search(text: str) -> LogSearch | None:
    return parse_search(text) if text.strip() else None
