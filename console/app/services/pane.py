"""What every view inside the view of a service is."""

from textual.containers import Vertical
from textual.reactive import reactive

from backends.services.records import Service
from console.app.shell.context import Context
from console.app.widgets.contained import Contained


class Pane(Contained, Vertical):
    """One of a service's views; made when it is first shown, told of every change."""

    DEFAULT_CSS = "Pane { height: 1fr; }"

    service: reactive[Service | None] = reactive(None, always_update=True, init=False)
    """As last observed."""

    def __init__(self, context: Context, service: Service) -> None:
        super().__init__()
        self.context = context
        self.name_of_service = service.name
        self.set_reactive(Pane.service, service)

    def on_mount(self) -> None:
        """Draw what is known."""
        self.refresh_view()

    def watch_service(self) -> None:
        """Draw what changed."""
        if self.is_mounted:
            self.refresh_view()

    def refresh_view(self) -> None:
        """Bring the view up to date with `service`."""

    def take_focus(self) -> None:
        """The keys go to this view."""

    def copy_text(self) -> str:
        """What `y` copies."""
        return ""
