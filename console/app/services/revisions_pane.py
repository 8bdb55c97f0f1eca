"""Revisions: everything that was ever applied, and the way back to any of it."""

from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from backends.services.records import Revision, Service
from console import present
from console.app.services.pane import Pane
from console.app.widgets.rows import Column, Row
from console.app.widgets.table import Table
from console.present import NOTHING, Cell, Tone

COLUMNS = (
    Column(title="REV", width=4, right=True),
    Column(title="NOW", width=14),
    Column(title="AGE", width=4, right=True),
    Column(title="MODELS", width=16, weight=2),
    Column(title="HOW", width=16, weight=1, rank=1),
    Column(title="BY", width=8, rank=2),
)


class RevisionsPane(Pane):
    """One row a revision; `b` rolls back to the one under the cursor, after showing the plan."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "back_to", "roll back to this", id="revisions.roll_back"),
    ]

    @dataclass
    class RollBackWanted(Message):
        """Roll back to this revision."""

        revision: int

    @dataclass
    class ConfigWanted(Message):
        """Show what this revision was."""

        revision: int

    def compose(self) -> ComposeResult:
        """The table."""
        yield Table(COLUMNS, empty="Nothing was applied yet.")

    def refresh_view(self) -> None:
        """Read the revisions."""
        self._read()

    def take_focus(self) -> None:
        """To the table."""
        self.query_one(Table).focus()

    def copy_text(self) -> str:
        """The revision's number."""
        return self.query_one(Table).at or ""

    def action_back_to(self) -> None:
        """Ask for the way back to the revision under the cursor."""
        if at := self.query_one(Table).at:
            self.post_message(self.RollBackWanted(int(at)))

    def on_table_opened(self, event: Table.Opened) -> None:
        """Show its configuration."""
        event.stop()
        self.post_message(self.ConfigWanted(int(event.id)))

    @work(exclusive=True, group="revisions", exit_on_error=False)
    async def _read(self) -> None:
        revisions = self.context.workspace.services.revisions
        found = await self.context.threads.run(revisions, self.name_of_service)
        now, service = self.context.clock(), self.service
        self.query_one(Table).show([row(each, service, now) for each in found])


def row(revision: Revision, service: Service | None, now: float) -> Row:
    """A revision as the table shows it."""
    cells = (
        Cell(f"r{revision.number}"),
        _standing(revision.number, service),
        Cell(present.age(revision.created, now), Tone.DIM),
        Cell(" ".join(model.id for model in revision.spec.models) or NOTHING),
        Cell(revision.note, Tone.DIM),
        Cell(revision.actor, Tone.DIM),
    )
    return Row(str(revision.number), cells)


def _standing(number: int, service: Service | None) -> Cell:
    if service is not None and service.rolling_out == number and service.serving != number:
        return Cell("◐ rolling out", Tone.BUSY)
    if service is not None and service.serving == number:
        return Cell("● serves", Tone.GOOD)
    return Cell(NOTHING, Tone.DIM)
