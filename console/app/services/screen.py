"""Services mode: the list of services."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

if TYPE_CHECKING:
    from backends.workspace import Workspace


class ServicesScreen(Screen[None]):
    """All services of a workspace with their states."""

    def __init__(self, workspace: "Workspace") -> None:
        super().__init__()
        self._workspace = workspace

    def compose(self) -> ComposeResult:
        """One line a service."""
        yield Static(
            "\n".join(
                f"{service.state:<14} {service.name}" for service in self._workspace.services.list()
            ),
            markup=False,
        )
