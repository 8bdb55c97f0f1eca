"""An editor for JSON: its parts told apart, the first error named with its place, as one types."""

import json
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from console.app.widgets.contained import Contained
from console.app.widgets.text_view import json_line
from console.present import Tone, count, size

if TYPE_CHECKING:
    from textual.timer import Timer

CHECK_SECONDS = 0.1
LONGEST_TO_COLOUR = 2_000
"""Characters; a longer line is drawn in one colour."""


class Verdict(Struct, frozen=True):
    """What is to be said about a text."""

    valid: bool
    sentence: str
    line: int = 0
    """Of the first error, from 1."""
    column: int = 0


def judge(text: str) -> Verdict:
    """Whether a text is JSON, and where it first is not."""
    if not text.strip():
        return Verdict(True, "empty body")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return Verdict(False, f"{where}: {error.msg}", error.lineno, error.colno)
    except RecursionError:
        return Verdict(False, "not JSON: nested too deeply", 1, 1)
    lines = count(text.count("\n") + 1, "line")
    return Verdict(True, f"JSON, {lines}, {size(len(text.encode()))}")


class JsonArea(TextArea):
    """The lines, coloured."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"json-area--{tone}" for tone in Tone}
    DEFAULT_CSS = """
    JsonArea, JsonArea:focus {
        border: none;
        padding: 0;
        background: $background;
        color: $foreground;
        height: 1fr;
        & > .json-area--good { color: $good; }
        & > .json-area--busy { color: $busy; }
        & > .json-area--dim { color: $dim; }
        & > .text-area--cursor-line { background: $background; }
        & > .text-area--gutter { color: $dim; background: $background; }
        & > .text-area--cursor-gutter { color: $accent; background: $background; }
        & > .text-area--selection { background: $selection; color: $selection-text; }
    }
    """

    def get_line(self, line_index: int) -> Text:
        """One line as it is drawn."""
        text = super().get_line(line_index)
        if len(text) > LONGEST_TO_COLOUR:
            return text
        place = 0
        for cell in json_line(text.plain):
            if cell.tone is not Tone.PLAIN:
                style = self.get_component_rich_style(f"json-area--{cell.tone}", partial=True)
                text.stylize(style, place, place + len(cell.text))
            place += len(cell.text)
        return text


class JsonEditor(Contained, Vertical):
    """The lines, and beneath them whether they are JSON."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave the editor", id="editor.leave"),
    ]
    DEFAULT_CSS = """
    JsonEditor > .verdict {
        height: 1; color: $dim; text-wrap: nowrap; text-overflow: ellipsis;
    }
    JsonEditor > .verdict.-wrong { color: $bad; }
    """

    class Left(Message):
        """`esc` was pressed in the lines."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.touched = False
        """Someone typed in it."""
        self._area = JsonArea(text, show_line_numbers=True, highlight_cursor_line=False)
        self._area.cursor_blink = False
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lines, verdict."""
        yield self._area
        yield Static(classes="verdict")

    def on_mount(self) -> None:
        """Judge what is there."""
        self._judge()

    @property
    def text(self) -> str:
        """What is typed."""
        return self._area.text

    def load(self, text: str) -> None:
        """Replace the text; the editor counts as untouched."""
        with self.prevent(TextArea.Changed):
            self._area.load_text(text)
        self.touched = False
        self._judge()

    def focus(self, scroll_visible: bool = True) -> "JsonEditor":
        """The keys go to the lines."""
        self._area.focus(scroll_visible)
        return self

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Judge it once the keys pause."""
        event.stop()
        self.touched = True
        if self._waiting is None:
            self._waiting = self.set_timer(CHECK_SECONDS, self._judge)

    def action_leave(self) -> None:
        """Give the keys away."""
        self.post_message(self.Left())

    def _judge(self) -> None:
        self._waiting = None
        verdict = judge(self.text)
        line = self.query_one(".verdict", Static)
        line.set_class(not verdict.valid, "-wrong")
        glyph = "✓" if verdict.valid else "✖"
        line.update(Content(f"{glyph} {verdict.sentence}"))
