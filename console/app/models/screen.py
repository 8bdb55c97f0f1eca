"""Models mode: the list of models, the one under the cursor in parts, and its versions."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from backends import filters
from backends.errors import NotFound
from console import present
from console.app.models import facts, listing
from console.app.models.actions import ModelActions
from console.app.models.detail import ModelDetail
from console.app.models.facts import Facts
from console.app.shell.completers import suggest_filter
from console.app.shell.context import Context
from console.app.widgets.filter_bar import FilterBar
from console.app.widgets.prompt import Suggestion
from console.app.widgets.rows import PAGE, Row
from console.app.widgets.table import Table

DETAIL_SECONDS = 0.04
"""How long the cursor rests on a row before its detail is read."""


class ModelsScreen(ModelActions):
    """Models of the registry: the latest version of each, or all versions.

    One pane on a small terminal (`enter` opens the detail), two above each other from 96 columns,
    three beside each other from 140.
    """

    MODE = "models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="models.filter"),
        Binding("a", "all", "all versions or the latest", id="models.all", show=False),
    ]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.list = Table(listing.COLUMNS, empty="No model here yet: n registers one.")
        """The list of models."""
        self.detail = ModelDetail(facts.TABS, context.clock)
        """The pane with all parts."""
        parts = [("versions", "Versions")]
        self._beside = ModelDetail(parts, context.clock, title="versions", classes="versions")
        self._latest = True
        self.filtered_by = ""
        """The filter whose rows the list holds, or is about to."""

    def compose_body(self) -> ComposeResult:
        """Filter and list; the other panes follow the first paint."""
        with Container(classes="panes"), Vertical(classes="list"):
            yield FilterBar(self._suggest)
            yield self.list

    def on_mount(self) -> None:
        """Start on the list."""
        self.list.focus()
        self.reload()
        self.call_after_refresh(self._add_panes)

    async def _add_panes(self) -> None:
        await self.query_one(".panes").mount(self.detail, self._beside)
        self.read_detail()

    @property
    def versions(self) -> Table:
        """The versions of the model under the cursor, wherever they are shown."""
        beside = self._beside.is_mounted and self._beside.display
        return self._beside.table if beside else self.detail.table

    @property
    def current(self) -> str:
        """`name:version` that keys act upon: of the versions when they have the focus."""
        if self.versions.has_focus and self.versions_shown:
            return self.versions.at or ""
        return self.list.at or ""

    @property
    def versions_shown(self) -> bool:
        """Whether a list of versions is in view."""
        return self.versions is not self.detail.table or self.detail.part == "versions"

    # — the list —

    def set_filter(self, text: str) -> None:
        """Show the models that `text` lets through."""
        self.query_one(FilterBar).text = text

    @work(exclusive=True, group="models", exit_on_error=False)
    async def reload(self) -> None:
        """Ask for the rows in view, then for how many there are."""
        bar, registry = self.query_one(FilterBar), self.context.workspace.registry
        run, wanted, latest = self.context.threads.run, filters.parse(bar.text), self._latest
        same, self.filtered_by = bar.text == self.filtered_by, bar.text
        now = self.context.clock()

        async def fetch(start: int, stop: int) -> Sequence[Row]:
            found = await run(
                registry.search, wanted, latest=latest, offset=start, limit=stop - start
            )
            return [listing.row(each, now) for each in found]

        bar.show_problems(wanted.problems)
        await self.list.browse(fetch, stay=same)
        total = self.list.total
        if total >= PAGE:
            total = await run(registry.count, wanted, latest=latest)
            self.list.set_total(total)
        await self._say_counts(total, filtered=bool(wanted.terms))

    async def _say_counts(self, shown: int, *, filtered: bool) -> None:
        registry, everything = self.context.workspace.registry, shown
        if filtered:
            empty = filters.parse("")
            everything = await self.context.threads.run(registry.count, empty, latest=self._latest)
        self.query_one(FilterBar).count = f"{shown:,} of {everything:,}" if filtered else ""
        self.summary = present.count(everything, "model" if self._latest else "version")
        self.list.empty = (
            "No model matches: esc clears the filter."
            if filtered
            else "No model here yet: n registers one."
        )

    async def _suggest(self, line: str) -> Sequence[Suggestion]:
        return await self.context.threads.run(suggest_filter, self.context.workspace, line)

    @on(FilterBar.Changed)
    def _apply(self) -> None:
        self.reload()

    @on(FilterBar.Left)
    def _to_list(self) -> None:
        self.list.focus()

    # — the detail —

    @on(Table.Highlighted, ".list Table")
    def _moved(self) -> None:
        self.read_detail()

    def on_resize(self) -> None:
        """A pane may have come into view that has nothing to show yet."""
        self.call_after_refresh(self.read_detail)

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def read_detail(self) -> None:
        """Show the version under the cursor, when there is a pane that can."""
        await asyncio.sleep(DETAIL_SECONDS)
        panes = [pane for pane in self.query(ModelDetail) if pane.display and pane.is_mounted]
        if panes and self.list.at:
            found = await self.context.threads.run(self._facts, self.list.at)
            for pane in panes:
                pane.show(found)

    def _facts(self, reference: str) -> Facts | None:
        registry = self.context.workspace.registry
        try:
            model = registry.resolve(reference)
        except NotFound:
            return None  # deleted since: the list follows
        versions = registry.versions(model.name)
        return Facts(model=model, versions=versions, used_by=registry.used_by(reference))

    @on(Table.Opened, ".list Table")
    def _open(self) -> None:
        self.show_detail()
        self.detail.table.focus()

    def show_versions(self) -> None:
        """Bring the versions into view, with the cursor on them."""
        if self.versions is self.detail.table:
            self.show_detail()
            self.detail.choose("versions")
        self.call_after_refresh(self.versions.focus)

    def show_detail(self) -> None:
        """Let the detail take the list's place where there is no room for both."""
        self.add_class("-detail")
        self.call_after_refresh(self.read_detail)

    @on(Table.Opened, "ModelDetail Table")
    def _open_part(self, event: Table.Opened) -> None:
        if event.table is self.versions and self.versions_shown:
            self.compare_versions()
        elif self.detail.part == "files":
            self.show_file(event.id)
        elif self.detail.part == "used":
            self.go("service", event.id)

    # — keys —

    def action_back(self) -> None:
        """From the detail to the list; in the list the marks, then the filter go."""
        if not self.list.has_focus:
            self.remove_class("-detail")
            self.call_after_refresh(self.list.focus)
        elif self.list.marks:
            self.list.clear_marks()
        else:
            self.query_one(FilterBar).clear()

    def action_filter(self) -> None:
        """Type a filter."""
        self.remove_class("-detail")
        self.query_one(FilterBar).open()

    def action_all(self) -> None:
        """All versions, or only the latest of each model."""
        self._latest = not self._latest
        self.reload()
