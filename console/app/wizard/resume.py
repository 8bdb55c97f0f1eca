"""Asks whether to go on with a draft."""

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Label

from backends.services.drafts import Draft
from console import present
from console.app.shell.dialog import Dialog
from console.present import plain


class ResumeDialog(Dialog[bool]):
    """True: go on with it; None: start anew."""

    title_text = "Go on with your draft?"
    choices = (("cancel", "Start anew"), ("go", "Go on"))

    def __init__(self, draft: Draft, now: float) -> None:
        super().__init__()
        self._draft = draft
        self._now = now

    def compose_content(self) -> ComposeResult:
        """What it is and how old."""
        changes = present.count(len(self._draft.values), "field")
        age = present.age(self._draft.saved, self._now)
        yield Label(
            Content(
                f"{plain(self._draft.subject) or 'A deployment'}: {changes} changed, left {age} ago"
                f" at {plain(self._draft.step)}."
            )
        )

    def on_mount(self) -> None:
        """Going on is the default: nothing is lost by it."""
        self.query_one("#go", Button).focus()

    def chosen(self, choice: str) -> None:
        """Go on."""
        self.dismiss(choice == "go")
