"""One field of a form, whatever it takes: label, control, one line of help, its error."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantBlur
from textual.message import Message
from textual.reactive import reactive
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from backends.configs.field import Field, Kind
from console.app.widgets.choice import Choice, Option
from console.present import plain

LINES = frozenset({Kind.TABLE, Kind.LIST})
"""Kinds that are typed one entry a line."""


class Lines(TextArea):
    """Several lines of text, as high as they are."""

    DEFAULT_CSS = """
    Lines, Lines:focus {
        height: auto; max-height: 6; width: 1fr; border: none; padding: 0; background: transparent;
    }
    """


class FieldRow(Vertical):
    """A form's row for one `Field`; its value is text, and wrong text is kept as typed.

    Args:
        value: The text at first.
        options: What can be chosen; empty takes the field's own choices, or lets one type.
        suggester: Offers how to go on; `→` at the end of the line takes it.
        label: Empty takes it from the field.
    """

    DEFAULT_CSS = """
    FieldRow { height: auto; border-left: blank $background; padding-right: 1; }
    FieldRow:focus-within { border-left: outer $accent; }
    FieldRow .control { height: auto; }
    FieldRow .label {
        width: 24; height: 1; padding-left: 1; text-overflow: ellipsis; text-wrap: nowrap;
    }
    FieldRow:focus-within .label { text-style: bold; }
    FieldRow Input, FieldRow Input:focus {
        border: none; height: 1; width: 1fr; padding: 0; background: $surface;
    }
    FieldRow Lines, FieldRow Lines:focus { background: $surface; }
    FieldRow .help { padding-left: 24; color: $dim; height: auto; }
    FieldRow .note { padding-left: 24; color: $dim; height: auto; display: none; }
    FieldRow .error { padding-left: 24; color: $bad; height: auto; display: none; }
    FieldRow.-noted .note, FieldRow.-wrong .error { display: block; }
    FieldRow.-wrong .label { color: $bad; }
    """

    error: reactive[str] = reactive("")
    """What is wrong with the value; empty when nothing is."""
    note: reactive[str] = reactive("")
    """What is known about the value: a file's state, where it came from."""

    @dataclass
    class Changed(Message):
        """The text of a field changed."""

        row: "FieldRow"
        name: str
        text: str

    @dataclass
    class Left(Message):
        """The cursor left a field."""

        row: "FieldRow"
        name: str

    @dataclass
    class Submitted(Message):
        """`enter` was pressed in a field."""

        row: "FieldRow"
        name: str

    def __init__(
        self,
        field: Field,
        value: str = "",
        *,
        options: Sequence[Option] = (),
        suggester: Suggester | None = None,
        label: str = "",
    ) -> None:
        super().__init__(id=f"field-{field.name.replace('_', '-')}")
        self.field = field
        self._label = label or label_of(field)
        self._text = value
        self._control = self._make(field, value, tuple(options) or _options(field), suggester)

    @property
    def text(self) -> str:
        """The value as typed or chosen."""
        return self._text

    def set_text(self, text: str) -> None:
        """Show another value, without telling that it changed."""
        self._text = text
        with self.prevent(Input.Changed, TextArea.Changed):
            if isinstance(self._control, Input):
                self._control.value = text
            elif isinstance(self._control, TextArea):
                self._control.text = text

    def compose(self) -> ComposeResult:
        """Label and control on a line; help, note and error under the control."""
        with Horizontal(classes="control"):
            mark = ("*", "bold $accent") if self.field.required else ""
            yield Static(Content.assemble(plain(self._label), mark), classes="label")
            yield self._control
        yield Static(Content(self.field.help), classes="help")
        yield Static(classes="note")
        yield Static(classes="error")

    def on_mount(self) -> None:
        """Keep still: a cursor that blinks is motion."""
        if isinstance(self._control, Input | TextArea):
            self._control.cursor_blink = False

    def take_focus(self) -> None:
        """Put the cursor into the control, after what is there."""
        if isinstance(self._control, TextArea):
            self._control.move_cursor(self._control.document.end)
        self._control.focus()

    def watch_error(self, error: str) -> None:
        """Show what is wrong under the control, as text that begins with a glyph."""
        self.set_class(bool(error), "-wrong")
        self._say(".error", f"✖ {plain(error)}" if error else "")

    def watch_note(self, note: str) -> None:
        """Show what is known under the control."""
        self.set_class(bool(note), "-noted")
        self._say(".note", "\n".join(plain(line) for line in note.splitlines()))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass the text on."""
        event.stop()
        self._changed(event.value)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Pass the lines on."""
        event.stop()
        self._changed(event.text_area.text)

    def on_choice_changed(self, event: Choice.Changed) -> None:
        """Pass the choice on."""
        event.stop()
        self._changed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pass `enter` on."""
        event.stop()
        self.post_message(self.Submitted(self, self.field.name))

    def on_descendant_blur(self, _event: DescendantBlur) -> None:
        """Say that the cursor left."""
        self.post_message(self.Left(self, self.field.name))

    def _changed(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.post_message(self.Changed(self, self.field.name, text))

    def _say(self, selector: str, text: str) -> None:
        for line in self.query(selector).results(Static):
            line.update(Content(text))

    @staticmethod
    def _make(
        field: Field, value: str, options: tuple[Option, ...], suggester: Suggester | None
    ) -> Widget:
        if options:
            return Choice(options, value)
        if field.kind in LINES:
            placeholder = "key=value, one a line" if field.kind is Kind.TABLE else "one a line"
            return Lines(value, placeholder=placeholder, compact=True, soft_wrap=False)
        return Input(
            value,
            placeholder=field.default or "not said",
            password=field.secret,
            suggester=suggester,
            select_on_focus=False,
            compact=True,
        )


def label_of(field: Field) -> str:
    """What a person reads: `memory gb`, `probe period seconds`."""
    words = field.attribute.removeprefix("resources.").removeprefix("environment.")
    return words.replace(".", " ").replace("_", " ")


def _options(field: Field) -> tuple[Option, ...]:
    """What a switch or a field of fixed texts offers, `not said` first."""
    allowed = ("true", "false") if field.kind is Kind.SWITCH else field.choices
    if not allowed:
        return ()
    said = tuple(Option(value, value) for value in allowed)
    if field.required:
        return said
    short = f"default ({field.default})" if field.default in allowed else field.default
    return (Option("", short or "not said"), *said)
