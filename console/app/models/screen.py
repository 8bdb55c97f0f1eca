"""Models mode: the list of models, and beside or below it the one under the cursor."""

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from backends import filters
from backends.registry.records import ModelRow
from console import present
from console.app.shell.completers import suggest_filter
from console.app.shell.context import Context
from console.app.shell.screen import BaseScreen
from console.app.widgets.filter_bar import FilterBar
from console.app.widgets.prompt import Suggestion
from console.app.widgets.rows import PAGE, Column, Row
from console.app.widgets.table import Table
from console.present import NOTHING, Cell, Tone

COLUMNS = (
    Column(title="NAME", width=12, weight=3),
    Column(title="VER", width=4, right=True),
    Column(title="FRAMEWORK", width=13, rank=4),
    Column(title="SIZE", width=7, right=True, rank=3),
    Column(title="AGE", width=4, right=True, rank=2),
    Column(title="TAGS", width=16, weight=4, rank=5),
    Column(title="USED BY", width=10, rank=1),
)


class ModelsScreen(BaseScreen):
    """Models of the registry, the latest version of each or all versions."""

    MODE = "models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "register", "register", id="models.register"),
        Binding("d", "deploy", "deploy", id="models.deploy"),
        Binding("slash", "filter", "filter", id="models.filter"),
        Binding("a", "all", "all versions", id="models.all", show=False),
    ]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._latest = True

    def compose_body(self) -> ComposeResult:
        """Filter, list."""
        yield FilterBar(self._suggest)
        yield Table(COLUMNS, empty="No model here yet: n registers one.")

    def on_mount(self) -> None:
        """Start on the list."""
        self.query_one(Table).focus()
        self.reload()

    def set_filter(self, text: str) -> None:
        """Show the models that `text` lets through."""
        self.query_one(FilterBar).text = text

    @work(exclusive=True, group="models", exit_on_error=False)
    async def reload(self) -> None:
        """Ask for the rows in view, then for how many there are."""
        run, registry = self.context.threads.run, self.context.workspace.registry
        bar, table = self.query_one(FilterBar), self.query_one(Table)
        wanted, latest, now = filters.parse(bar.text), self._latest, self.context.clock()

        async def fetch(start: int, stop: int) -> Sequence[Row]:
            found = await run(
                registry.search, wanted, latest=latest, offset=start, limit=stop - start
            )
            return [model_cells(row, now) for row in found]

        bar.problem = "; ".join(problem.message for problem in wanted.problems)
        first = await fetch(0, PAGE)
        table.browse(fetch, first, len(first))
        total = (
            len(first) if len(first) < PAGE else await run(registry.count, wanted, latest=latest)
        )
        table.set_total(total)
        self.summary = present.count(total, "model" if latest else "version")

    async def _suggest(self, line: str) -> Sequence[Suggestion]:
        return await self.context.threads.run(suggest_filter, self.context.workspace, line)

    def on_filter_bar_changed(self) -> None:
        """Apply it."""
        self.reload()

    def on_filter_bar_left(self) -> None:
        """Go on in the list."""
        self.query_one(Table).focus()

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open()

    def action_back(self) -> None:
        """Clear the filter."""
        self.query_one(FilterBar).clear()

    def action_all(self) -> None:
        """All versions, or only the latest of each model."""
        self._latest = not self._latest
        self.reload()

    def action_register(self) -> None:
        """Register a model."""
        self.go("register")

    def action_deploy(self) -> None:
        """Deploy the model under the cursor."""
        self.go("deploy", self.query_one(Table).at or "")

    def copy_text(self) -> str:
        """The version's id."""
        return self.query_one(Table).at or ""


def model_cells(row: ModelRow, now: float) -> Row:
    """A version as the list shows it."""
    framework = f"{row.framework} {row.framework_version}".strip()
    cells = (
        Cell(row.name),
        Cell(str(row.version)),
        Cell(framework, Tone.DIM),
        Cell(present.size(row.size)),
        Cell(present.age(row.created, now), Tone.DIM),
        Cell(present.pairs(row.tags), Tone.DIM),
        Cell(present.count(row.used_by, "service"), Tone.PLAIN)
        if row.used_by
        else Cell(NOTHING, Tone.DIM),
    )
    return Row(row.id, cells)
