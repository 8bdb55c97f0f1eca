"""The filter: one line under the header that is a rule until it is typed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Label

from backends.filters import TermProblem
from console.app.widgets.contained import Contained
from console.app.widgets.prompt import UNFINISHED, Prompt, Suggest
from console.app.widgets.rule import Rule
from console.present import plain

if TYPE_CHECKING:
    from textual.timer import Timer

DEBOUNCE_SECONDS = 0.03


class FilterBar(Contained, Horizontal):
    """`─ / area=mnist ───── 3 of 12 ─`; `open` starts typing, esc clears and leaves.

    Args:
        suggest: Completions for the line up to the cursor.
    """

    DEFAULT_CSS = """
    FilterBar { height: 1; padding: 0; }
    FilterBar .lead { width: 2; }
    FilterBar .slash { width: 3; padding: 0 1; color: $accent; text-style: bold; display: none; }
    FilterBar Prompt { display: none; width: 3fr; }
    FilterBar .problem {
        width: auto; max-width: 50%; color: $warn; padding: 0 1; display: none;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    FilterBar.-wrong > .middle { display: none; }
    FilterBar .count { width: auto; color: $dim; padding: 0 1; display: none; }
    FilterBar.-active .slash, FilterBar.-active Prompt { display: block; }
    FilterBar.-wrong .problem { display: block; }
    FilterBar .tail { width: 2; }
    FilterBar.-counted .count { display: block; }
    """

    count: reactive[str] = reactive("")
    """How many rows hold: `3 of 12`."""
    problem: reactive[str] = reactive("")
    """The term that is wrong and why; the others apply."""

    @dataclass
    class Changed(Message):
        """The filter's text is another one now."""

        bar: "FilterBar"
        text: str

        @property
        def control(self) -> "FilterBar":
            """The bar, for `@on` selectors."""
            return self.bar

    @dataclass
    class Left(Message):
        """The cursor leaves the line, to the list."""

        bar: "FilterBar"

        @property
        def control(self) -> "FilterBar":
            """The bar, for `@on` selectors."""
            return self.bar

    def __init__(self, suggest: Suggest | None = None, *, text: str = "") -> None:
        super().__init__()
        self._prompt = Prompt(text, suggest=suggest)
        self._sent = text
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Rule, line, problem, rule, count."""
        yield Rule(classes="lead")
        yield Label("/", classes="slash")
        yield self._prompt
        yield Label("", classes="problem", markup=False)
        yield Rule(classes="middle")
        yield Label("", classes="count", markup=False)
        yield Rule(classes="tail")

    def on_mount(self) -> None:
        """Show a filter that is there from the start."""
        self._mark()

    @property
    def pending(self) -> bool:
        """Whether something typed is not applied yet."""
        return self._timer is not None

    @property
    def text(self) -> str:
        """The filter as typed."""
        return self._prompt.value

    @text.setter
    def text(self, value: str) -> None:
        self._prompt.value = value
        self._changed()

    def open(self) -> None:
        """Start typing."""
        self.add_class("-active")
        self._prompt.focus()

    def clear(self) -> bool:
        """Take the filter away; False when there was none."""
        had = bool(self.text)
        self.text = ""
        return had

    def show_problems(self, problems: Sequence[TermProblem]) -> None:
        """Name the terms that are wrong, but not one that is still being typed."""
        typing = self._prompt.has_focus_within
        said = [each for each in problems if not (typing and each.term.endswith(UNFINISHED))]
        self.problem = "; ".join(each.message for each in said)

    def watch_count(self, count: str) -> None:
        """Show it at the right end."""
        self.query_one(".count", Label).update(Content(plain(count)))
        self.set_class(bool(count), "-counted")

    def watch_problem(self, problem: str) -> None:
        """Show it beside the line."""
        self.query_one(".problem", Label).update(Content(plain(problem)))
        self.set_class(bool(problem), "-wrong")

    def on_prompt_changed(self, event: Prompt.Changed) -> None:
        """Apply the filter once the keys pause for a moment."""
        event.stop()
        if self._timer is None:
            self._timer = self.set_timer(DEBOUNCE_SECONDS, self._changed)

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """Apply and go to the list."""
        event.stop()
        self._changed()
        self._leave()

    def on_prompt_left(self, event: Prompt.Left) -> None:
        """Clear and go to the list."""
        event.stop()
        self.clear()
        self._leave()

    def _changed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._mark()
        if self.text != self._sent:
            self._sent = self.text
            self.post_message(self.Changed(self, self.text))

    def _leave(self) -> None:
        self.post_message(self.Left(self))
        self.call_after_refresh(self._mark)

    def _mark(self) -> None:
        self.set_class(bool(self.text) or self._prompt.has_focus_within, "-active")
