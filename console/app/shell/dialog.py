"""Dialogs: a quiet box in the middle, a title, a body, choices; esc is always Cancel."""

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from console.app.widgets.contained import Contained
from console.present import plain

Result = TypeVar("Result")
SHORT = 16
"""Below so many lines a dialog has no border and no blank lines."""


class Dialog(Contained, ModalScreen[Result | None]):
    """A modal box; ends with None when it is left.

    Subclasses give `title_text`, `compose_content`, and the `choices` under it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "cancel", id="dialog.cancel"),
        Binding("j", "scroll(1)", "down", id="dialog.down", show=False),
        Binding("k", "scroll(-1)", "up", id="dialog.up", show=False),
    ]
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > .box {
        width: 76;
        max-width: 100%;
        height: auto;
        max-height: 100%;
        padding: 0 2;
        background: $surface;
        border: round $line;
    }
    Dialog .title { text-style: bold; color: $accent; margin-bottom: 1; width: 100%; }
    Dialog .content { height: auto; max-height: 100%; }
    Dialog .equivalent { color: $dim; margin-top: 1; width: 100%; }
    Dialog .choices { height: 1; margin-top: 1; align-horizontal: right; }
    Dialog Button, Dialog Button:focus {
        border: none;
        height: 1;
        min-width: 10;
        margin-left: 2;
        background: $background;
        color: $text;
        text-style: none;
    }
    Dialog Button:focus {
        background: $selection; color: $selection-text; text-style: bold underline;
    }
    Dialog Button:disabled { color: $dim; }
    Dialog.-short > .box { padding: 0 1; border: none; }
    Dialog.-short .title, Dialog.-short .equivalent, Dialog.-short .choices { margin: 0; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SHORT, "-normal")]  # noqa: RUF012  # Textual declares it so

    title_text: str = ""
    scrolls: bool = False
    """Whether the content takes the keys that scroll; for texts."""
    equivalent: str = ""
    """The command line that does the same."""
    choices: Sequence[tuple[str, str]] = (("cancel", "Cancel"),)
    """Id and label of each button, in order; the first one named `cancel` leaves."""

    def compose(self) -> ComposeResult:
        """Title, content, the equivalent command line, choices."""
        with Vertical(classes="box"):
            yield Static(Content(plain(self.title_text)), classes="title")
            with VerticalScroll(classes="content", can_focus=self.scrolls):
                yield from self.compose_content()
            if self.equivalent:
                yield Static(Content(plain(self.equivalent)), classes="equivalent")
            with Horizontal(classes="choices"):
                for name, label in self.choices:
                    yield Button(Content(label), id=name, compact=True)

    def on_mount(self) -> None:
        """Notices of what was done before would lie over the choices."""
        self.app.clear_notifications()

    def on_resize(self) -> None:
        """Leave the content what title, command line and choices do not need; it scrolls."""
        short = self.size.height < SHORT
        around = 2 if short else 6
        around += (1 if short else 3) if self.equivalent else 0
        self.query_one(".content").styles.max_height = max(self.size.height - around, 1)

    def compose_content(self) -> ComposeResult:
        """What stands between title and choices."""
        yield from ()

    def action_scroll(self, step: int) -> None:
        """Scroll the content by lines."""
        self.query_one(".content").scroll_relative(y=step, animate=False)

    def action_cancel(self) -> None:
        """Leave without doing anything."""
        self.dismiss(None)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Cancel leaves; every other choice is `chosen`."""
        event.stop()
        if event.button.id == "cancel":
            self.dismiss(None)
        else:
            self.chosen(event.button.id or "")

    def chosen(self, _choice: str) -> None:
        """Act on a choice other than Cancel."""


class Confirm(Dialog[bool]):
    """Asks before something that can't be taken back; Cancel is the default.

    Args:
        title: What will be done, as a question.
        lines: What that means: what goes away, who uses it.
        verb: Label of the choice that does it.
        typed: What has to be typed first; empty when a choice is enough.
        equivalent: The command line that does the same.
    """

    DEFAULT_CSS = """
    Confirm Label { width: 100%; }
    Confirm Input, Confirm Input:focus {
        border: none; height: 1; padding: 0 1; margin-top: 1; background: $background;
    }
    Confirm #go:focus { background: $bad; color: $background; }
    """

    def __init__(
        self,
        title: str,
        lines: Sequence[str] = (),
        *,
        verb: str,
        typed: str = "",
        equivalent: str = "",
    ) -> None:
        super().__init__()
        self.title_text = title
        self.equivalent = equivalent
        self.choices = (("cancel", "Cancel"), ("go", verb))
        self._lines = lines
        self._typed = typed

    def compose_content(self) -> ComposeResult:
        """What it means, and the line to type the name into."""
        for line in self._lines:
            yield Label(Content(plain(line)))
        if self._typed:
            yield Label(Content.assemble("Type ", (plain(self._typed), "bold"), " to go on:"))
            yield Input(id="typed", select_on_focus=False)

    def on_mount(self) -> None:
        """Start where nothing happens by `enter`."""
        self.query_one("#go", Button).disabled = bool(self._typed)
        if self._typed:
            field = self.query_one(Input)
            field.cursor_blink = False
            field.focus()
        else:
            self.query_one("#cancel", Button).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Free the choice once the name stands there."""
        self.query_one("#go", Button).disabled = event.value != self._typed

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """`enter` goes to the choice; it takes another to do it."""
        if event.value == self._typed:
            self.query_one("#go", Button).focus()

    def chosen(self, _choice: str) -> None:
        """Yes."""
        self.dismiss(True)


class Notice(Dialog[None]):
    """A title and lines; esc or enter closes."""

    choices = (("cancel", "Close"),)
    scrolls = True

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self.title_text = title
        self._lines = lines

    def compose_content(self) -> ComposeResult:
        """The lines."""
        yield Static(Content("\n".join(plain(line) for line in self._lines)))

    def on_mount(self) -> None:
        """Enter closes."""
        self.query_one("#cancel").focus()
