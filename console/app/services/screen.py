"""Services mode: the list of services."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from console.app.shell.context import Context
from console.app.shell.screen import BaseScreen
from console.present import plain


class ServicesScreen(BaseScreen):
    """All services of the workspace with their states."""

    MODE: ClassVar[str] = "services"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.crumbs = ("services",)

    def compose_body(self) -> ComposeResult:
        """One line a service."""
        found = self.context.workspace.services.list()
        lines = (f"{service.state:<14} {service.name}" for service in found)
        yield Static(Content(plain("\n".join(lines))))
