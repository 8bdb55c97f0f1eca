"""Logs: the service's log, from whichever replicas it has."""

from collections.abc import AsyncGenerator

from textual.app import ComposeResult

from backends.targets.records import Gap, LogLine, LogQuery, StreamEnd
from console.app.services.pane import Pane
from console.app.widgets.log_view import LogView


class LogsPane(Pane):
    """The log view on this service."""

    def compose(self) -> ComposeResult:
        """The view; it begins to read by itself."""
        yield LogView(self._open, name=self.name_of_service, clock=self.context.clock)

    @property
    def view(self) -> LogView:
        """The log view."""
        return self.query_one(LogView)

    def take_focus(self) -> None:
        """To the lines."""
        self.view.focus()

    def copy_text(self) -> str:
        """The line under the cursor."""
        return self.view.copy_text()

    def _open(self, query: LogQuery) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
        return self.context.workspace.services.logs(self.name_of_service, query)
