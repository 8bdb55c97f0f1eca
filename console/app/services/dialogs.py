"""What the service views ask: whether to carry out a plan, and which model version."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from backends.registry.records import ModelRow
from backends.services.records import Plan
from console import present
from console.app.services.present import plan_lines
from console.app.shell.dialog import Dialog
from console.app.widgets.rows import Column, Row
from console.app.widgets.table import Table
from console.app.widgets.tones import styled
from console.present import Cell, Tone, plain

VERSIONS = (
    Column(title="MODEL", width=16, weight=2),
    Column(title="VER", width=4, right=True),
    Column(title="FRAMEWORK", width=12, rank=2),
    Column(title="SIZE", width=7, right=True, rank=3),
    Column(title="AGE", width=4, right=True, rank=1),
    Column(title="", width=7),
)


class PlanDialog(Dialog[bool]):
    """Shows a plan; it is carried out only when that is chosen."""

    def __init__(self, plan: Plan, title: str) -> None:
        super().__init__()
        self.title_text = title
        self.equivalent = plan.command
        self.choices = (("cancel", "Cancel"), ("go", "Go on"))
        self._plan = plan

    def compose_content(self) -> ComposeResult:
        """Steps, differences, checks."""
        yield Static(Content("\n").join(styled(line) for line in plan_lines(self._plan)))

    def on_mount(self) -> None:
        """What is blocked can't be chosen."""
        self.query_one("#go", Button).disabled = bool(self._plan.blocked)
        self.query_one("#cancel" if self._plan.blocked else "#go", Button).focus()

    def chosen(self, choice: str) -> None:
        """Carry it out."""
        self.dismiss(choice == "go")


class VersionDialog(Dialog[str]):
    """Chooses the model version that a service is updated to.

    Args:
        rows: What can be chosen.
        carried: Ids of the versions that the service has now.
        now: For ages, seconds since the epoch.
    """

    DEFAULT_CSS: ClassVar[str] = (
        "VersionDialog Table { height: auto; max-height: 14; background: $surface; }"
    )

    def __init__(
        self, title: str, rows: Sequence[ModelRow], carried: Sequence[str], now: float
    ) -> None:
        super().__init__()
        self.title_text = title
        self._rows = [_version(row, row.id in carried, now) for row in rows]

    def compose_content(self) -> ComposeResult:
        """The versions."""
        yield Table(VERSIONS, empty="There is no model: register one first.")

    def on_mount(self) -> None:
        """Fill and enter the list."""
        table = self.query_one(Table)
        table.show(self._rows)
        table.focus()

    def on_table_opened(self, event: Table.Opened) -> None:
        """That one."""
        event.stop()
        self.dismiss(event.id)


class LineDialog(Dialog[str]):
    """Asks for one line of text."""

    DEFAULT_CSS: ClassVar[str] = """
    LineDialog Input, LineDialog Input:focus {
        border: none; height: 1; padding: 0 1; margin-top: 1; background: $background;
    }
    """

    def __init__(
        self, title: str, question: str, value: str = "", verb: str = "Save", equivalent: str = ""
    ) -> None:
        super().__init__()
        self.title_text = title
        self.equivalent = equivalent
        self.choices = (("cancel", "Cancel"), ("go", verb))
        self._question = question
        self._value = value

    def compose_content(self) -> ComposeResult:
        """The question and a line for the answer."""
        yield Label(Content(plain(self._question)))
        yield Input(self._value, select_on_focus=False)

    def on_mount(self) -> None:
        """Start in the line."""
        field = self.query_one(Input)
        field.cursor_blink = False
        field.focus()

    def on_input_submitted(self) -> None:
        """Done."""
        self.chosen("go")

    def chosen(self, choice: str) -> None:  # noqa: ARG002  there is one
        """Give the answer back, if there is one."""
        if text := self.query_one(Input).value.strip():
            self.dismiss(text)


def _version(row: ModelRow, carried: bool, now: float) -> Row:
    cells = (
        Cell(row.name),
        Cell(str(row.version)),
        Cell(f"{row.framework} {row.framework_version}".strip(), Tone.DIM),
        Cell(present.size(row.size)),
        Cell(present.age(row.created, now), Tone.DIM),
        Cell("present" if carried else "", Tone.ACCENT),
    )
    return Row(row.id, cells)
