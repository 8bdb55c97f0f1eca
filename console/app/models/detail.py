"""The pane that shows one model version, part by part."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label

from console.app.models import facts
from console.app.models.facts import Facts
from console.app.widgets.contained import Contained
from console.app.widgets.rule import Rule
from console.app.widgets.tab_line import TabLine
from console.app.widgets.table import Table
from console.clock import Clock
from console.present import plain


class ModelDetail(Contained, Vertical):
    """A title, the parts' names, and the rows of the part that is chosen.

    Args:
        parts: Key and title of the parts that it shows; with one, their line is left out.
        clock: For ages.
        title: Stands there instead of the version's id.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "l,right,right_square_bracket", "part(1)", "next part", id="detail.next", show=False
        ),
        Binding(
            "h,left,left_square_bracket",
            "part(-1)",
            "previous part",
            id="detail.previous",
            show=False,
        ),
    ]
    DEFAULT_CSS = """
    ModelDetail { height: 1fr; }
    ModelDetail .title { width: auto; color: $accent; text-style: bold; padding: 0 1; }
    ModelDetail .head { height: 1; layout: horizontal; }
    ModelDetail .lead { width: 2; }
    ModelDetail .caution { color: $warn; padding: 0 2; display: none; height: auto; width: 100%; }
    ModelDetail.-warned .caution { display: block; }
    ModelDetail.-single TabLine, ModelDetail.-single .caution { display: none; }
    """

    def __init__(
        self, parts: Sequence[tuple[str, str]], clock: Clock, *, title: str = "", classes: str = ""
    ) -> None:
        super().__init__(classes=classes)
        self._parts = parts
        self._title = title
        self._clock = clock
        self.tabs = TabLine(parts)
        self.table = Table((), empty="")
        """The rows of the part that is chosen."""
        self._facts: Facts | None = None

    def compose(self) -> ComposeResult:
        """Title line, parts, warnings, rows."""
        with Vertical(classes="head"):
            yield Rule(classes="lead")
            yield Label("", classes="title", markup=False)
            yield Rule()
        yield self.tabs
        yield Label("", classes="caution", markup=False)
        yield self.table

    def on_mount(self) -> None:
        """With one part, no line of parts."""
        self.set_class(len(self._parts) == 1, "-single")

    @property
    def part(self) -> str:
        """Key of the part that is chosen."""
        return self.tabs.key

    def choose(self, part: str) -> None:
        """Show that part."""
        self.tabs.key = part

    def show(self, found: Facts | None) -> None:
        """Show a version, or nothing."""
        self._facts = found
        self.query_one(".title", Label).update(
            Content(plain(self._title or found.model.id) if found else "")
        )
        warned = facts.warnings(found.model) if found else ()
        self.query_one(".caution", Label).update(
            Content("\n").join(f"▲ {plain(w)}" for w in warned)
        )
        self.set_class(bool(warned), "-warned")
        self._draw()

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        """Show that part's rows."""
        event.stop()
        self.table.clear_marks()
        self._draw()

    def action_part(self, step: int) -> None:
        """The next or previous part."""
        self.tabs.step(step)

    def _draw(self) -> None:
        if self._facts is None:
            self.table.show((), columns=())
            return
        part = facts.part(self._facts, self.part, self._clock())
        self.table.empty = part.empty
        self.table.show(part.rows, columns=part.columns)
