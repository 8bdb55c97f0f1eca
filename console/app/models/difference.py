"""The difference of two versions, on a screen of its own."""

from textual import work
from textual.app import ComposeResult

from console import present
from console.app.models import facts
from console.app.shell.context import Context
from console.app.shell.screen import BaseScreen
from console.app.widgets.rows import Column
from console.app.widgets.rule import Rule
from console.app.widgets.table import Table


class DifferenceScreen(BaseScreen):
    """What changed from `older` to `newer` (`name:version` each)."""

    MODE = "models"

    def __init__(self, context: Context, older: str, newer: str) -> None:
        super().__init__(context)
        self._older, self._newer = older, newer

    def compose_body(self) -> ComposeResult:
        """One list."""
        columns = (
            Column(title="", width=1),
            Column(title="WHAT", width=16, weight=2),
            Column(title=self._older, width=16, weight=2),
            Column(title=self._newer, width=16, weight=2),
        )
        yield Rule()
        yield Table(columns, empty="They are the same.")

    def on_mount(self) -> None:
        """Show it."""
        self.crumbs = ("models", f"{self._older} → {self._newer}")
        self.query_one(Table).focus()
        self.reload()

    @work(exclusive=True, group="difference", exit_on_error=False)
    async def reload(self) -> None:
        """Compare them."""
        registry = self.context.workspace.registry
        diff = await self.context.threads.run(registry.diff, self._older, self._newer)
        rows = list(facts.difference(diff))
        self.summary = present.count(len(rows), "difference")
        self.query_one(Table).show(rows)

    def copy_text(self) -> str:
        """The row under the cursor."""
        return self.query_one(Table).text_at_cursor()
