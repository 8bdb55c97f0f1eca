"""A line of a small form: label, control, and beneath it what is wrong."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Label

from console.present import plain


class FormLine(Vertical):
    """A label before any control; `problem` shows beneath."""

    DEFAULT_CSS = """
    FormLine { height: auto; }
    FormLine > Horizontal { height: auto; }
    FormLine .label { width: 14; color: $dim; }
    FormLine:focus-within .label { color: $accent; text-style: bold; }
    FormLine .problem { padding-left: 14; color: $bad; display: none; width: 100%; }
    FormLine.-wrong .problem { display: block; }
    FormLine Prompt { background: $background; }
    """

    problem: reactive[str] = reactive("")
    """What is wrong with the value; empty when nothing is."""

    def __init__(self, label: str, control: Widget) -> None:
        super().__init__()
        self._label = label
        self.control = control

    def compose(self) -> ComposeResult:
        """Label and control; the problem."""
        with Horizontal():
            yield Label(self._label, classes="label", markup=False)
            yield self.control
        yield Label("", classes="problem", markup=False)

    def watch_problem(self, problem: str) -> None:
        """Show it, or nothing."""
        self.query_one(".problem", Label).update(Content(f"✖ {plain(problem)}"))
        self.set_class(bool(problem), "-wrong")
