"""One of a few: all on one line where they fit, otherwise the chosen one between arrows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from console.present import plain


class Option(Struct, frozen=True):
    """One thing to choose."""

    value: str
    label: str


class Choice(Widget, can_focus=True):
    """`←` and `→` (or a click) choose; there is always a choice.

    Args:
        options: At least one; their values differ.
        value: The one chosen at first; a value that is not among them chooses the first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "choose", id="choice.previous", show=False),
        Binding("right,space", "step(1)", "choose", id="choice.next", show=False),
    ]
    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    chosen: reactive[int] = reactive(0)
    """Index into the options."""

    @dataclass
    class Changed(Message):
        """Another one was chosen."""

        choice: "Choice"
        value: str

    def __init__(self, options: Sequence[Option], value: str = "") -> None:
        super().__init__()
        self.options = tuple(options)
        values = [option.value for option in self.options]
        self.set_reactive(Choice.chosen, values.index(value) if value in values else 0)

    @property
    def value(self) -> str:
        """The value of the chosen one."""
        return self.options[self.chosen].value

    def action_step(self, step: int) -> None:
        """Choose the next or previous one, around the ends."""
        self._choose((self.chosen + step) % len(self.options))

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked, or the next one where they do not all fit."""
        spans = self._spans()
        if spans is None:
            self.action_step(1)
            return
        for index, (start, end) in enumerate(spans):
            if start <= event.x < end:
                self._choose(index)

    def render(self) -> Content:
        """All options side by side, or the chosen one with its place among them."""
        if self._spans() is None:
            label = plain(self.options[self.chosen].label)
            return Content.assemble(
                ("‹ ", "$dim"),
                (label, self._style(self.chosen)),
                (f" ›  {self.chosen + 1} of {len(self.options)}", "$dim"),
            )
        return Content("   ").join(
            Content.styled(self._text(index), self._style(index))
            for index in range(len(self.options))
        )

    def _choose(self, index: int) -> None:
        if index != self.chosen:
            self.chosen = index
            self.post_message(self.Changed(self, self.value))

    def _text(self, index: int) -> str:
        glyph = "●" if index == self.chosen else "○"
        return f"{glyph} {plain(self.options[index].label)}"

    def _style(self, index: int) -> str:
        if index != self.chosen:
            return "$dim"
        return "bold $accent" if self.has_focus else "bold"

    def _spans(self) -> list[tuple[int, int]] | None:
        """Where each option is drawn; None when they do not fit side by side."""
        spans, at = [], 0
        for index in range(len(self.options)):
            width = Content(self._text(index)).cell_length
            spans.append((at, at + width))
            at += width + 3
        return spans if at - 3 <= self.size.width else None
