"""Services mode: the list of services, each with its state."""

import asyncio
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from backends import filters
from backends.filters import Kind, Subject
from backends.services.records import Service
from console import present
from console.app.services.actions import ServiceActions
from console.app.services.present import COLUMNS, models, row
from console.app.shell.context import Context
from console.app.targets.checks import abilities
from console.app.widgets.filter_bar import FilterBar
from console.app.widgets.table import Table

ASK_SECONDS = 5.0
"""How often the targets are asked while the list is in view."""

FIELDS = {"name": Kind.TEXT, "state": Kind.TEXT, "target": Kind.TEXT, "model": Kind.TEXT}
"""What can be filtered by, beside tags."""


class ServicesScreen(ServiceActions):
    """All services as last seen, at once; then as their targets say."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="services.filter"),
    ]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._all: tuple[Service, ...] = ()

    def compose_body(self) -> ComposeResult:
        """Filter, list."""
        yield FilterBar()
        yield Table(COLUMNS, empty="No service yet: deploy a model with d in Models.")

    def on_mount(self) -> None:
        """Show what is known, then ask."""
        self.crumbs = ("services",)
        self.query_one(Table).focus()
        self.reload()
        self._ask()

    def set_filter(self, text: str) -> None:
        """Show the services that `text` lets through."""
        self.query_one(FilterBar).text = text

    def open_service(self, name: str, pane: str = "timeline") -> None:
        """Show one service."""
        from console.app.services.service_screen import ServiceScreen

        self.app.push_screen(ServiceScreen(self.context, name, pane))

    def chosen(self) -> Service | None:
        """The service under the cursor."""
        at = self.query_one(Table).at
        return next((service for service in self._all if service.name == at), None)

    async def show_pane(self, name: str, pane: str) -> None:
        """Open the service there."""
        self.open_service(name, pane)

    def on_screen_resume(self) -> None:
        """Show at once what another view may have changed."""
        super().on_screen_resume()
        if self.is_mounted:
            self.acted()

    def acted(self) -> None:
        """Ask now rather than at the next turn."""
        self.reload()
        self._ask()

    def gone(self, name: str) -> None:
        """Take it off the list."""
        self.reload()
        self.notify(f"{name} is deleted.", markup=False)

    @work(exclusive=True, group="services", exit_on_error=False)
    async def reload(self) -> None:
        """Read the services again, as last seen."""
        self._all = await self.context.threads.run(self.context.workspace.services.list)
        self._draw()
        for target in {service.target for service in self._all} - self.context.able.keys():
            await abilities(self.context, target)
        self.refresh_bindings()

    @work(exclusive=True, group="watch", exit_on_error=False)
    async def _ask(self) -> None:
        """Ask the targets from time to time while this view is the one that is shown."""
        while True:
            if self.is_current:
                await self.context.workspace.services.refresh()
                self.reload()
            await asyncio.sleep(ASK_SECONDS)

    def _draw(self) -> None:
        bar = self.query_one(FilterBar)
        wanted = filters.parse(bar.text, FIELDS)
        found = [service for service in self._all if wanted.matches(_subject(service))]
        now = self.context.clock()
        self.query_one(Table).show([row(service, now) for service in found])
        bar.problem = "; ".join(problem.message for problem in wanted.problems)
        bar.count = f"{len(found)} of {len(self._all)}" if wanted.terms else ""
        self.summary = present.count(len(self._all), "service")

    def on_filter_bar_changed(self) -> None:
        """Apply it."""
        self._draw()

    def on_filter_bar_left(self) -> None:
        """Go on in the list."""
        self.query_one(Table).focus()

    def on_table_highlighted(self) -> None:
        """Show the keys that do something for the service under the cursor."""
        self.refresh_bindings()

    def on_table_opened(self, event: Table.Opened) -> None:
        """Open the service."""
        self.open_service(event.id)

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open()

    def action_back(self) -> None:
        """Clear the filter."""
        self.query_one(FilterBar).clear()

    def copy_text(self) -> str:
        """Where its requests are posted, else its name."""
        service = self.chosen()
        return (service.scoring_uri or service.name) if service else ""


def _subject(service: Service) -> Subject:
    fields = {
        "state": service.state.value,
        "target": service.target,
        "model": models(service),
    }
    return Subject(
        name=service.name,
        description=f"{service.state} {service.target} {models(service)} {service.reason}",
        tags=service.spec.tags,
        fields=fields,
    )
