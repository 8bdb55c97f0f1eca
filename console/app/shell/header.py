"""The header: where you are, what is reachable, which mode is shown."""

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from console.app.widgets.tones import styled
from console.present import Cell, plain

MODES: Sequence[tuple[str, str, str]] = (
    ("1", "models", "Models"),
    ("2", "services", "Services"),
    ("3", "targets", "Targets"),
    ("4", "activity", "Activity"),
)
"""Key, mode and title of each."""


class HeaderBar(Widget):
    """Two lines: place and link, then modes and the read-only badge; one when space is short."""

    DEFAULT_CSS = """
    HeaderBar {
        height: 2;
        padding: 0 1;
        background: $surface;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    crumbs: reactive[tuple[str, ...]] = reactive(())
    """Workspace first, then where in it."""
    summary: reactive[str] = reactive("")
    """Counts of what is shown."""
    link: reactive[tuple[Cell, ...]] = reactive(())
    """The target in view and its link."""
    read_only: reactive[bool] = reactive(False)

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode

    def on_click(self, event: events.Click) -> None:
        """Switch to the mode under the mouse."""
        start = 1
        for _key, mode, title in MODES:
            if event.y == 1 and start <= event.x < start + len(title) + 2:
                self.call_later(self.app.run_action, ("app", "mode", (mode,)))
            start += len(title) + 4

    def render(self) -> Content:
        """Both lines, each with its left and right part."""
        width = self.size.width
        first = _spread(self._place(), self._facts(), width)
        if self.size.height < 2:
            return first
        return Content("\n").join((first, _spread(self._modes(), self._badge(), width)))

    def _place(self) -> Content:
        name = Content.styled("pilothouse", "bold $accent")
        where = Content(" › ").stylize("$dim").join(Content(plain(part)) for part in self.crumbs)
        return Content("  ").join((name, where))

    def _facts(self) -> Content:
        facts = [styled(self.link)] if self.link else []
        if self.size.height < 2 and self.read_only:
            facts.append(self._badge())
        if self.summary:
            facts.append(Content(plain(self.summary)))
        return Content("     ").join(facts)

    def _modes(self) -> Content:
        return Content("  ").join(
            Content.assemble(
                (key, "$dim"), " ", (title, "bold $accent underline" if mode == self.mode else "")
            )
            for key, mode, title in MODES
        )

    def _badge(self) -> Content:
        if not self.read_only:
            return Content()
        return Content.styled(" read-only ", "bold $background on $warn")


def _spread(left: Content, right: Content, width: int) -> Content:
    """`left` and `right` at both ends of a line; `left` gives way."""
    room = max(width - right.cell_length - 2, 0)
    if room < 12:
        return left.truncate(width, ellipsis=True)
    return left.truncate(room, ellipsis=True, pad=True) + Content("  ") + right
