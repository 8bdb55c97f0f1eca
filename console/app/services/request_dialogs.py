"""What the request tester asks: which request of the past, and what to copy."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from backends.requests.history import Exchange
from backends.requests.records import Request
from console.app.services.answer import HISTORY, row, saved_row
from console.app.shell.dialog import Dialog
from console.app.widgets.rows import Column, Row
from console.app.widgets.table import Table
from console.present import Cell, Tone


class Chosen(Struct, frozen=True):
    """A request of the past."""

    request: Request
    exchange: Exchange | None
    """None for one that was saved and not sent."""
    again: bool
    """Send it now."""


class HistoryDialog(Dialog[Chosen]):
    """Saved requests, then those that were sent, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "send again", id="history.again"),
    ]
    DEFAULT_CSS = """
    HistoryDialog > .box { width: 96; }
    HistoryDialog Table { height: auto; max-height: 16; min-height: 3; background: $surface; }
    """
    title_text = "Requests · enter shows one, r sends it again"

    def __init__(self, exchanges: Sequence[Exchange], saved: Sequence[tuple[str, Request]]) -> None:
        super().__init__()
        self._exchanges = exchanges
        self._saved = dict(saved)

    def compose_content(self) -> ComposeResult:
        """The requests."""
        yield Table(HISTORY, empty="Nothing was sent yet.")

    def on_mount(self) -> None:
        """Fill and enter the list."""
        rows = [saved_row(name, request.body) for name, request in self._saved.items()]
        rows += [row(place, exchange) for place, exchange in enumerate(self._exchanges)]
        table = self.query_one(Table)
        table.show(rows)
        table.focus()

    def on_table_opened(self, event: Table.Opened) -> None:
        """Show that one."""
        event.stop()
        self.dismiss(self._at(event.id, again=False))

    def action_again(self) -> None:
        """Send that one again."""
        if at := self.query_one(Table).at:
            self.dismiss(self._at(at, again=True))

    def _at(self, row_id: str, *, again: bool) -> Chosen:
        if row_id.startswith("saved "):
            return Chosen(self._saved[row_id.removeprefix("saved ")], None, again)
        exchange = self._exchanges[int(row_id)]
        return Chosen(exchange.request, exchange, again)


class CopyDialog(Dialog[str]):
    """Chooses what is copied.

    Args:
        options: Key to what it is, in a few words.
    """

    DEFAULT_CSS: ClassVar[str] = "CopyDialog Table { height: 5; background: $surface; }"
    title_text = "Copy"

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__()
        self._options = options

    def compose_content(self) -> ComposeResult:
        """The options."""
        yield Table((Column(title="WHAT", width=20, weight=1),))

    def on_mount(self) -> None:
        """Fill and enter the list."""
        table = self.query_one(Table)
        table.show([Row(key, (Cell(text, Tone.PLAIN),)) for key, text in self._options.items()])
        table.focus()

    def on_table_opened(self, event: Table.Opened) -> None:
        """That one."""
        event.stop()
        self.dismiss(event.id)
