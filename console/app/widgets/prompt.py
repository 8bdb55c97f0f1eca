"""A line to type in, with suggestions under (or above) it and a history."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct
from rich.cells import cell_len
from textual import events, work
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from console.present import plain

UNFINISHED = ("/", "=", ":", " ")
"""Ends of suggestions behind which something has to follow."""
MOST_SHOWN = 8
"""Suggestions seen at once; more are reached by typing."""


class Suggestion(Struct, frozen=True):
    """One way to go on."""

    text: str
    """What is put in."""
    hint: str
    """A word about it: a count, an explanation."""
    start: int
    """Where in the line it begins; it replaces everything from there to the cursor."""
    label: str = ""
    """What is shown of it; empty: the text."""

    @property
    def shown(self) -> str:
        """The label, safe to draw."""
        return plain(self.label or self.text).strip()


Suggest = Callable[[str], Awaitable[Sequence[Suggestion]]]
"""Suggestions for the line up to the cursor; awaited, so it may ask a thread."""


class SuggestionList(Widget):
    """The suggestions in view and which one is chosen; draws nothing when there is none."""

    DEFAULT_CSS = """
    SuggestionList {
        overlay: screen;
        constrain: inside inflect;
        width: auto;
        height: auto;
        min-width: 24;
        max-width: 72;
        background: $panel;
        display: none;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    SuggestionList.-open { display: block; }
    """

    items: reactive[tuple[Suggestion, ...]] = reactive((), layout=True)
    chosen: reactive[int] = reactive(-1)
    """Index into `items`; -1 is none."""

    def watch_items(self, items: tuple[Suggestion, ...]) -> None:
        """Open with suggestions, close without."""
        self.chosen = -1
        self.set_class(bool(items), "-open")
        if self.has_class("-above"):
            self.styles.offset = (0, -min(len(items), MOST_SHOWN) - 1)

    def move(self, step: int) -> None:
        """Choose the next or previous suggestion, around the ends."""
        if self.items:
            start = self.chosen if self.chosen >= 0 or step > 0 else 0
            self.chosen = (start + step) % len(self.items)

    def render(self) -> Content:
        """A line each: the text, then its hint, dim."""
        width = max((cell_len(item.shown) for item in self.items), default=0)
        first = max(0, self.chosen - MOST_SHOWN + 1)
        shown = list(enumerate(self.items))[first : first + MOST_SHOWN]
        return Content("\n").join(self._line(index, item, width) for index, item in shown)

    def _line(self, index: int, item: Suggestion, width: int) -> Content:
        text = item.shown + " " * (width - cell_len(item.shown))
        if index == self.chosen:
            return Content.styled(f"▌{text}  {plain(item.hint)} ", "$selection-text on $selection")
        return Content.assemble(" ", text, "  ", (plain(item.hint), "$dim"), " ")


class PromptInput(Input):
    """The typing part: `tab` and arrows choose a suggestion, otherwise it is a plain input."""

    DEFAULT_CSS = """
    PromptInput, PromptInput:focus {
        border: none;
        height: 1;
        padding: 0;
        background: transparent;
    }
    """

    def validate_value(self, value: str) -> str:
        """Nothing that a terminal would act upon, wherever the text came from."""
        return plain(value)


class Prompt(Container):
    """A line with suggestions; `enter` submits, `esc` leaves.

    Args:
        suggest: Gives the suggestions; None for a line without.
        history: Earlier lines, the newest last; `up` walks back while nothing is suggested.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next(1)", "complete", id="prompt.next"),
        Binding("shift+tab", "next(-1)", "complete back", id="prompt.previous", show=False),
        Binding("down", "down", "next", id="prompt.down", show=False),
        Binding("up", "up", "previous", id="prompt.up", show=False),
        Binding("escape", "leave", "close", id="prompt.leave"),
    ]
    DEFAULT_CSS = """
    Prompt { height: 1; width: 1fr; }
    """

    @dataclass
    class Changed(Message):
        """The line changed."""

        prompt: "Prompt"
        value: str

        @property
        def control(self) -> "Prompt":
            """The prompt, for `@on` selectors."""
            return self.prompt

    @dataclass
    class Submitted(Message):
        """`enter` was pressed."""

        prompt: "Prompt"
        value: str

        @property
        def control(self) -> "Prompt":
            """The prompt, for `@on` selectors."""
            return self.prompt

    @dataclass
    class Left(Message):
        """`esc` was pressed with no suggestion chosen."""

        prompt: "Prompt"

        @property
        def control(self) -> "Prompt":
            """The prompt, for `@on` selectors."""
            return self.prompt

    def __init__(
        self,
        value: str = "",
        *,
        suggest: Suggest | None = None,
        history: Sequence[str] = (),
        placeholder: str = "",
        classes: str = "",
    ) -> None:
        super().__init__(classes=classes)
        self.suggest = suggest
        self.history = list(history)
        self._place = len(self.history)
        self._input = PromptInput(value, placeholder=placeholder, select_on_focus=False)
        self._input.cursor_blink = False
        self._list = SuggestionList(classes="-above" if "-above" in classes else "")

    def compose(self) -> "list[Widget]":
        """The line, then the suggestions over everything else."""
        return [self._input, self._list]

    @property
    def value(self) -> str:
        """What is typed."""
        return self._input.value

    @value.setter
    def value(self, text: str) -> None:
        self._input.value = text
        self._input.cursor_position = len(text)

    def fill(self, text: str) -> None:
        """Set the line without saying that it changed."""
        with self._input.prevent(Input.Changed):
            self.value = text

    def focus(self, scroll_visible: bool = True) -> "Prompt":
        """Put the cursor into the line."""
        self._input.focus(scroll_visible)
        return self

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say so, and ask for suggestions."""
        event.stop()
        self.post_message(self.Changed(self, event.value))
        if self._input.has_focus:
            self._ask()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Submit the line as it stands; a chosen suggestion that wants more goes on instead."""
        event.stop()
        if self._list.chosen >= 0 and event.value.endswith(UNFINISHED):
            self._ask()
            return
        self._close()
        self.post_message(self.Submitted(self, event.value))

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        """Offer what can be typed here."""
        self._ask()

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        """Put the suggestions away."""
        self._close()

    def action_next(self, step: int) -> None:
        """Put in the next suggestion; with nothing to suggest, go to the next field."""
        if not self._list.items:
            self.screen.focus_next() if step > 0 else self.screen.focus_previous()
            return
        self._list.move(step)
        self._insert(self._list.items[self._list.chosen])
        if len(self._list.items) == 1:
            self._ask()  # it was the only one: go on behind it

    def action_down(self) -> None:
        """The next suggestion, or the next line of the history."""
        self.action_next(1) if self._list.items else self._recall(1)

    def action_up(self) -> None:
        """The previous suggestion when one is chosen, else the previous line of the history."""
        self.action_next(-1) if self._list.chosen >= 0 else self._recall(-1)

    def action_leave(self) -> None:
        """Leave the line."""
        self._close()
        self.post_message(self.Left(self))

    def _insert(self, suggestion: Suggestion) -> None:
        with self.prevent(Input.Changed):
            self.value = self.value[: suggestion.start] + suggestion.text
        self.post_message(self.Changed(self, self.value))

    def _recall(self, step: int) -> None:
        if self.history:
            self._place = min(max(self._place + step, 0), len(self.history))
            past = self.history[self._place] if self._place < len(self.history) else ""
            self.fill(past)
            self._close()

    def _close(self) -> None:
        self._list.items = ()

    @work(exclusive=True, group="suggest", exit_on_error=False)
    async def _ask(self) -> None:
        if self.suggest is not None:
            line = self.value[: self._input.cursor_position]
            self._list.items = tuple(await self.suggest(line))
