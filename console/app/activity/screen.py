"""Activity mode: what happened to the services of the workspace, newest first."""

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from backends import filters
from backends.filters import Kind, Subject, SubjectVocabulary
from backends.services.records import Transition
from console import present
from console.app.shell.completers import to_suggestion
from console.app.shell.screen import BaseScreen
from console.app.widgets.filter_bar import FilterBar
from console.app.widgets.prompt import Suggestion
from console.app.widgets.rows import Column, Row
from console.app.widgets.table import Table
from console.present import Cell, Tone

COLUMNS = (
    Column(title="WHEN", width=8),
    Column(title="AGE", width=4, right=True, rank=3),
    Column(title="SERVICE", width=14, weight=1),
    Column(title="WHAT", width=8, rank=2),
    Column(title="STATE", width=15),
    Column(title="REV", width=4, right=True, rank=4),
    Column(title="WHY", width=28, weight=4, rank=1),
    Column(title="BY", width=8, rank=5),
)
FIELDS = {"name": Kind.TEXT, "kind": Kind.TEXT, "state": Kind.TEXT, "by": Kind.TEXT}
"""What the filter knows beside words."""
MOST = 2000
"""Transitions read; older ones are in each service's timeline."""


class ActivityScreen(BaseScreen):
    """Every stored transition; `enter` opens the service it is of."""

    MODE = "activity"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="activity.filter"),
    ]

    def compose_body(self) -> ComposeResult:
        """One list."""
        yield FilterBar(self._suggest)
        yield Table(COLUMNS, empty="Nothing has happened yet: `:deploy MODEL` makes a service.")

    def on_mount(self) -> None:
        """Start on the list."""
        self._all: tuple[Transition, ...] = ()
        self.query_one(Table).focus()
        self.reload()

    @work(exclusive=True, group="activity", exit_on_error=False)
    async def reload(self) -> None:
        """Read what happened."""
        self._all = await self.context.threads.run(self.context.workspace.services.activity, MOST)
        self._draw()

    def _draw(self) -> None:
        bar = self.query_one(FilterBar)
        wanted = filters.parse(bar.text, FIELDS)
        found = [each for each in self._all if wanted.matches(_subject(each))]
        now = self.context.clock()
        self.query_one(Table).show([_row(each, now) for each in found])
        bar.show_problems(wanted.problems)
        bar.count = f"{len(found):,} of {len(self._all):,}" if wanted.terms else ""
        self.summary = present.count(len(self._all), "event")

    async def _suggest(self, line: str) -> Sequence[Suggestion]:
        known = SubjectVocabulary(map(_subject, self._all), FIELDS)
        return [to_suggestion(each) for each in filters.complete(line, len(line), known)]

    def on_filter_bar_changed(self) -> None:
        """Apply it."""
        self._draw()

    def on_filter_bar_left(self) -> None:
        """Go on in the list."""
        self.query_one(Table).focus()

    def on_table_opened(self, event: Table.Opened) -> None:
        """Open the service."""
        self.go("service", event.id.rpartition("@")[0])

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open()

    def action_back(self) -> None:
        """Clear the filter."""
        self.query_one(FilterBar).clear()

    def copy_text(self) -> str:
        """The row under the cursor, as text."""
        at = self.query_one(Table).at
        now = self.context.clock()
        rows = [_row(each, now) for each in self._all if _id(each) == at]
        return "  ".join(cell.text for cell in rows[0].cells) if rows else ""


def _id(each: Transition) -> str:
    return f"{each.service}@{each.at:.6f}{each.kind}"


def _subject(each: Transition) -> Subject:
    return Subject(
        name=each.service,
        description=f"{each.kind} {each.state} {each.reason}",
        fields={"kind": each.kind, "state": each.state, "by": each.actor},
    )


def _row(each: Transition, now: float) -> Row:
    cells = (
        Cell(present.clock_time(each.at), Tone.DIM),
        Cell(present.age(each.at, now), Tone.DIM),
        Cell(each.service),
        Cell(each.kind, Tone.DIM if each.kind == "state" else Tone.ACCENT),
        present.state(each.state),
        Cell(f"r{each.revision}" if each.revision is not None else "", Tone.DIM),
        Cell(each.reason),
        Cell(each.actor, Tone.DIM),
    )
    return Row(_id(each), cells)
