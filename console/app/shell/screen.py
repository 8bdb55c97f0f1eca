"""What every full screen is: header, body, key hints; reloads when the workspace changed."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from console import present
from console.app.shell.context import Context, Link
from console.app.shell.footer import KeyHints
from console.app.shell.header import HeaderBar
from console.app.widgets.contained import Contained
from console.present import Cell, Tone


class BaseScreen(Contained, Screen[None]):
    """A screen of a mode. Subclasses give `MODE`, `compose_body` and `reload`.

    `esc` and `q` go back one screen; at the root of a mode `q` quits and `esc` does nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="view.back", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # Textual declares it as it is
        (0, "-narrow"),
        (96, "-medium"),
        (140, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  # as above
        (0, "-short"),
        (12, "-low"),
        (22, "-normal"),
    ]
    MODE: ClassVar[str] = ""
    """Key of the mode in the header."""

    crumbs: reactive[tuple[str, ...]] = reactive(())
    """Where in the workspace: `("services", "sentiment")`; the header puts the workspace first."""
    summary: reactive[str] = reactive("")
    """Counts, at the right end of the header."""
    target: reactive[str] = reactive("")
    """The target in view, whose link the header shows."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._drawn_beat = context.pulse.beat

    def compose(self) -> ComposeResult:
        """Header, body, hints."""
        yield HeaderBar(self.MODE)
        yield from self.compose_body()
        yield KeyHints()

    def compose_body(self) -> ComposeResult:
        """The widgets between header and hints."""
        yield from ()

    def reload(self) -> object:
        """Bring the view up to date with the workspace, keeping place and marks.

        May be a `@work(exclusive=True, group=…, exit_on_error=False)` method.
        """
        return None

    def copy_text(self) -> str:
        """What `y` copies here; empty when there is nothing."""
        return ""

    def unable(self, action: str) -> bool:  # noqa: ARG002  subclasses look at it
        """Whether what is in view cannot do this, so that its key is no hint; it says why."""
        return False

    def palette(self) -> Sequence[tuple[str, str, str]]:
        """More that can be done here: (title, help, action) for `ctrl+p`, beside the bindings."""
        return ()

    def on_mount(self) -> None:
        """Fill the header."""
        self.refresh_header()

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was shown."""
        self.refresh_header()
        self.workspace_changed()

    def workspace_changed(self) -> None:
        """Reload when the workspace has changed since this view was drawn."""
        if self._drawn_beat != self.context.pulse.beat:
            self._drawn_beat = self.context.pulse.beat
            self.reload()

    def watch_crumbs(self) -> None:
        """Show where this is."""
        self.refresh_header()

    def watch_summary(self) -> None:
        """Show the counts."""
        self.refresh_header()

    def watch_target(self) -> None:
        """Show the link of the target in view."""
        self.refresh_header()

    def refresh_header(self) -> None:
        """Bring the header up to date with this screen and the console's state."""
        for header in self.query(HeaderBar):
            header.crumbs = (self.context.workspace.name, *self.crumbs)
            header.summary = self.summary
            header.link = self._link()
            header.read_only = self.context.guard.read_only

    def go(self, action: str, *arguments: str) -> None:
        """Ask the app for one of its routes: `go("deploy", "onnx_mnist:4")`, `go("logs", name)`."""
        self.app.call_later(self.app.run_action, ("app", action, arguments))

    def action_back(self) -> None:
        """Go back one screen."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def _link(self) -> tuple[Cell, ...]:
        links = self.context.links
        link = links.get(self.target) or next(iter(links.values()), None)
        return link_cells(link, self.context.clock()) if link else ()


def link_cells(link: Link, now: float) -> tuple[Cell, ...]:
    """A target and its link: `edge-gw ● 3 ms`, or since when it does not answer."""
    if link.reachable:
        speed = Cell(f" {link.latency_ms:.0f} ms", Tone.DIM)
        return (Cell(f"{link.target} "), Cell("●", Tone.GOOD), speed)
    since = present.age(link.at, now)
    return (Cell(f"{link.target} "), Cell(f"✖ no answer for {since}", Tone.BAD))
