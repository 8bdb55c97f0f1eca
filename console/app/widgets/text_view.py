"""Text to read: many lines drawn as they come in view, searched, scrolled."""

import re
from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from console.app.widgets.contained import Contained
from console.app.widgets.highlight import highlight
from console.app.widgets.prompt import Prompt
from console.present import Cell, Tone, plain

LONGEST = 4_000
"""Characters of a line that are drawn."""

Line = Sequence[Cell]

_JSON = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))'
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d[\d.eE+-]*|true|false|null)"
    r"|(?P<rest>[^\"\d-]+|.)"
)
_TONES = {"key": Tone.PLAIN, "string": Tone.GOOD, "number": Tone.BUSY, "rest": Tone.DIM}


def json_line(text: str) -> Line:
    """A line of JSON, its parts told apart."""
    return [
        Cell(found.group(), _TONES[found.lastgroup or "rest"])
        for found in _JSON.finditer(text[:LONGEST])
    ]


class TextLines(ScrollView, can_focus=True):
    """The lines of a `TextView`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", id="text.down", show=False),
        Binding("k", "scroll_up", "up", id="text.up", show=False),
        Binding("g", "scroll_home", "top", id="text.top", show=False),
        Binding("G", "scroll_end", "bottom", id="text.bottom", show=False),
        Binding("ctrl+f", "page_down", "page down", id="text.page-down", show=False),
        Binding("ctrl+b", "page_up", "page up", id="text.page-up", show=False),
        Binding("left", "sideways(-16)", "left", id="text.left", show=False),
        Binding("right", "sideways(16)", "right", id="text.right", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"text-lines--{tone}" for tone in Tone),
        "text-lines--match",
        "text-lines--here",
    }
    DEFAULT_CSS = """
    TextLines {
        height: 1fr;
        overflow-x: hidden;
        & > .text-lines--strong { text-style: bold; }
        & > .text-lines--dim { color: $dim; }
        & > .text-lines--accent { color: $accent; }
        & > .text-lines--good { color: $good; }
        & > .text-lines--busy { color: $busy; }
        & > .text-lines--warn { color: $warn; }
        & > .text-lines--bad { color: $bad; }
        & > .text-lines--match { background: $selection; color: $selection-text; }
        & > .text-lines--here { text-style: reverse; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[Line] = ()
        self.pattern: re.Pattern[str] | None = None
        self.here = -1
        """Line of the match that `n` came to."""

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the text."""
        self.lines = lines
        self.here = -1
        widest = max((sum(cell_len(cell.text) for cell in line) for line in lines), default=0)
        self.virtual_size = Size(widest, len(lines))
        self.scroll_to(0, 0, animate=False)
        self.refresh()

    def find(self, text: str) -> None:
        """Highlight `text`; small letters find capitals, too."""
        flags = 0 if any(letter.isupper() for letter in text) else re.IGNORECASE
        self.pattern = re.compile(re.escape(text), flags) if text else None
        self.here = -1
        self.refresh()

    def step(self, way: int) -> bool:
        """Go to the next or previous line with a match; False when there is none."""
        if self.pattern is None or not self.lines:
            return False
        for offset in range(1, len(self.lines) + 1):
            place = (self.here + offset * way) % len(self.lines)
            if self.pattern.search("".join(cell.text for cell in self.lines[place])):
                self.here = place
                self.scroll_to(y=max(place - self.size.height // 2, 0), animate=False)
                self.refresh()
                return True
        return False

    def action_sideways(self, cells: int) -> None:
        """Scroll to a side."""
        self.scroll_to(x=self.scroll_x + cells, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        left, place = self.scroll_offset.x, self.scroll_offset.y + y
        base, width = self.rich_style, self.size.width
        if place >= len(self.lines):
            return Strip.blank(width, base)
        pieces: list[Segment] = []
        match = self._part("here" if place == self.here else "match")
        for cell in self.lines[place]:
            piece = Segment(plain(cell.text[:LONGEST]), base + self._part(cell.tone))
            pieces.extend(highlight(piece, self.pattern, match))
        return Strip(pieces).crop_extend(left, left + width, base)

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"text-lines--{name}", partial=True)


class TextView(Contained, Vertical):
    """Lines and, when it is asked for, a line to search them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask", "search", id="text.search"),
        Binding("n", "step(1)", "next match", id="text.next", show=False),
        Binding("N", "step(-1)", "previous match", id="text.previous", show=False),
    ]
    DEFAULT_CSS = """
    TextView { height: 1fr; }
    TextView > .ask { height: 1; display: none; background: $surface; }
    TextView > .ask.-open { display: block; }
    TextView .label { width: auto; color: $accent; }
    """

    def compose(self) -> ComposeResult:
        """The lines and the line to search them."""
        yield TextLines()
        with Horizontal(classes="ask"):
            yield Static("/ ", classes="label")
            yield Prompt()

    @property
    def lines(self) -> TextLines:
        """The lines."""
        return self.query_one(TextLines)

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the text."""
        self.lines.show(lines)

    def focus(self, scroll_visible: bool = True) -> "TextView":
        """The keys go to the lines."""
        self.lines.focus(scroll_visible)
        return self

    def action_ask(self) -> None:
        """Type what to look for."""
        self.query_one(".ask").add_class("-open")
        self.query_one(Prompt).focus()

    def action_step(self, way: int) -> None:
        """Go to another match."""
        if self.lines.pattern is None:
            self.action_ask()
        elif not self.lines.step(way):
            self.notify("Nothing matches.", markup=False)

    @on(Prompt.Submitted)
    def _search(self, message: Prompt.Submitted) -> None:
        message.stop()
        self.lines.find(message.value)
        self._close()
        if message.value:
            self.action_step(1)

    @on(Prompt.Left)
    def _close(self) -> None:
        self.query_one(".ask").remove_class("-open")
        self.lines.focus()
