"""The answer to a request: status, where the time went, the body."""

from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from backends.errors import PilothouseError
from backends.requests.records import Answer
from console import present
from console.app.services import answer as answers
from console.app.shell.threads import Threads
from console.app.widgets.contained import Contained
from console.app.widgets.text_view import TextView
from console.app.widgets.tones import styled
from console.present import Cell, Tone, plain


class AnswerView(Contained, Vertical):
    """Shows one answer; `h` adds its headers, `enter` goes to the log lines it made."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h", "headers", "headers", id="answer.headers"),
        Binding("enter", "log", "its log lines", id="answer.log"),
    ]
    DEFAULT_CSS = """
    AnswerView > .status { height: auto; max-height: 6; }
    AnswerView > .foot { height: 1; color: $dim; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    @dataclass
    class LogWanted(Message):
        """The log lines of this request are wanted."""

        request_id: str

    def __init__(self, threads: Threads) -> None:
        super().__init__()
        self.answer: Answer | None = None
        self.with_headers = False
        self._threads = threads

    def compose(self) -> ComposeResult:
        """Status, body, what can be done with it."""
        yield Static(classes="status")
        yield TextView()
        yield Static(classes="foot")

    def on_mount(self) -> None:
        """Say that there is nothing yet."""
        self.say(Cell("no answer yet", Tone.DIM), Cell("ctrl+j sends the request", Tone.DIM))

    def say(self, first: Cell, second: Cell) -> None:
        """Show two lines instead of an answer."""
        self.answer = None
        self._head(styled([first]), styled([second]))
        self.query_one(TextView).show(())
        self.query_one(".foot", Static).update("")

    def show(self, answer: Answer) -> None:
        """Show an answer."""
        self.answer = answer
        self._head(*(styled(line) for line in answers.head(answer)))
        size = present.size(len(answer.body))
        log = f" · rid {plain(answer.request_id[:8])}, enter: its log"
        foot = Content(f"{size}{log if answer.request_id else ''}")
        self.query_one(".foot", Static).update(foot)
        self._fill(answer)

    def fail(self, error: PilothouseError) -> None:
        """Show why there is no answer."""
        self.say(Cell(f"✖ {error.what}", Tone.BAD), Cell(error.fix, Tone.DIM))

    def focus(self, scroll_visible: bool = True) -> "AnswerView":
        """The keys go to the body."""
        self.query_one(TextView).focus(scroll_visible)
        return self

    @work(exclusive=True, group="fill", exit_on_error=False)
    async def _fill(self, answer: Answer) -> None:
        lines = await self._threads.run(answers.lines, answer, headers=self.with_headers)
        if answer is self.answer:
            self.query_one(TextView).show(lines)

    def action_headers(self) -> None:
        """Show the headers before the body, or not."""
        self.with_headers = not self.with_headers
        if self.answer:
            self._fill(self.answer)

    def action_log(self) -> None:
        """Ask for the log lines of this request."""
        if self.answer and self.answer.request_id:
            self.post_message(self.LogWanted(self.answer.request_id))

    def _head(self, *lines: Content) -> None:
        self.query_one(".status", Static).update(Content("\n").join(lines))
