"""The `:` line over the footer, with completion and history."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Label

from console.app.shell import commands
from console.app.shell.commands import Completer
from console.app.shell.threads import Threads
from console.app.widgets.contained import Contained
from console.app.widgets.prompt import Prompt, Suggestion


class CommandLine(Contained, ModalScreen[str]):
    """Ends with the line typed; empty when it was left.

    Args:
        completers: What to offer for each kind of argument; they may block.
        history: Earlier lines, the newest last.
        threads: Ask the completers.
    """

    DEFAULT_CSS = """
    CommandLine { background: transparent; align: left bottom; }
    CommandLine > Horizontal { height: 1; background: $surface; padding: 0 1; }
    CommandLine Label { color: $accent; text-style: bold; width: 1; }
    """

    def __init__(
        self, completers: dict[str, Completer], history: Sequence[str], threads: Threads
    ) -> None:
        super().__init__()
        self._completers = completers
        self._history = history
        self._threads = threads

    def compose(self) -> ComposeResult:
        """One line."""
        with Horizontal():
            yield Label(":")
            yield Prompt(suggest=self._suggest, history=self._history, classes="-above")

    def on_mount(self) -> None:
        """Start typing at once."""
        self.query_one(Prompt).focus()

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """End with the line."""
        self.dismiss(event.value)

    def on_prompt_left(self) -> None:
        """End with nothing."""
        self.dismiss("")

    async def _suggest(self, line: str) -> Sequence[Suggestion]:
        return await self._threads.run(commands.suggest, line, self._completers)
