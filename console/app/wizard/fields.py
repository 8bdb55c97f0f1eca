"""The fields of one step: rows under each other, with what concerns the step as a whole on top."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from backends.configs.compute_type import ComputeType
from backends.targets.catalog import compute_word
from console.app.shell.threads import Threads
from console.app.widgets.choice import Option
from console.app.widgets.field import FieldRow
from console.app.wizard.checks import Finding
from console.app.wizard.form import Form
from console.app.wizard.standing import PACKAGES
from console.app.wizard.steps import SELF_EVIDENT, Answers, Packages, Step
from console.app.wizard.suggesting import suggester
from console.present import plain

ABOUT = {
    Step.MODEL: "Which models the service carries, and what it is called.",
    Step.INFERENCE: "What answers a request.",
    Step.ENVIRONMENT: "The packages and variables that the entry script needs.",
    Step.TARGET: "Where the service will run.",
    Step.DEPLOYMENT: "What the target needs to host the service; all of it has defaults.",
    Step.REVIEW: "What will be done. Enter deploys.",
}


class Fields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """`↑`, `↓` and `enter` go from field to field; the steps have their own keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "app.focus_next", "next field", id="fields.next", show=False),
        Binding("up", "app.focus_previous", "field before", id="fields.previous", show=False),
    ]
    DEFAULT_CSS = """
    Fields { height: 1fr; }
    Fields #about { height: auto; padding: 0 1 1 2; color: $dim; }
    Fields #whole { height: auto; padding: 0 1 1 2; display: none; }
    Fields #whole.-shown { display: block; }
    .-short Fields #about { padding-bottom: 0; }
    """

    def __init__(self, threads: Threads) -> None:
        super().__init__()
        self._threads = threads

    async def show(self, form: Form, step: Step, focus: str = "") -> None:
        """Build the rows of a step, and put the cursor into `focus` or the first."""
        rows = [
            FieldRow(
                field,
                form.get(field.name),
                options=_options(form, field.name),
                suggester=suggester(form, field, self._threads),
            )
            for field in form.fields(step)
        ]
        nothing = step is Step.ENVIRONMENT and not rows
        about = "The model answers by itself: it needs no packages." if nothing else ABOUT[step]
        async with self.batch():
            await self.remove_children()
            await self.mount(Static(Content(about), id="about"), Static(id="whole"), *rows)
        chosen = next((row for row in rows if row.field.name == focus), rows[0] if rows else None)
        if chosen is not None:
            chosen.take_focus()

    def focused_field(self) -> str:
        """Name of the field that has the cursor; empty when none has."""
        rows = self.query(FieldRow)
        return next((row.field.name for row in rows if row.has_focus_within), "")

    def names(self) -> tuple[str, ...]:
        """The fields that are shown, in order."""
        return tuple(row.field.name for row in self.query(FieldRow))

    def refill(self, form: Form) -> None:
        """Show the form's texts where a row shows another."""
        for row in self.query(FieldRow):
            if row.text != form.get(row.field.name):
                row.set_text(form.get(row.field.name))

    def mark(self, findings: Sequence[Finding], notes: dict[str, str], *, left: bool) -> None:
        """Show what is wrong.

        Args:
            findings: Of the step that is shown.
            notes: What is known about a field's value, by name.
            left: The step was left before, so that what is missing is named too.
        """
        for row in self.query(FieldRow):
            about = [finding for finding in findings if finding.field == row.field.name]
            errors = [f.message for f in about if f.error and (left or f.text.strip())]
            doubts = [f"▲ {f.message}" for f in about if not f.error]
            row.error = errors[0] if errors else ""
            row.note = doubts[0] if doubts else notes.get(row.field.name, "")
        self._mark_whole([finding for finding in findings if not finding.field])

    def _mark_whole(self, findings: Iterable[Finding]) -> None:
        lines = [
            Content.styled(f"✖ {plain(f.message)}", "$bad")
            if f.error
            else Content.styled(f"▲ {plain(f.message)}", "$warn")
            for f in findings
        ]
        for whole in self.query("#whole").results(Static):
            if lines or whole.has_class("-shown"):
                whole.update(Content("\n").join(lines))
                whole.set_class(bool(lines), "-shown")


def _options(form: Form, name: str) -> tuple[Option, ...]:
    """What can be chosen where the words of the table would not do."""
    if name == "answers":
        return (Option(Answers.SCRIPT, "entry script"), Option(Answers.MODEL, "the model alone"))
    if name == "packages":
        return tuple(Option(value, PACKAGES[value]) for value in Packages)
    if name == "target":
        known = [Option(each.name, _target(each.name, each.kind)) for each in form.targets]
        if ComputeType.LOCAL not in {compute_word(each.kind) for each in form.targets}:
            known.append(Option(SELF_EVIDENT, "Docker engine"))
        if form.target is None and form.get("target") != SELF_EVIDENT:
            known.append(Option(form.get("target"), f"{form.compute.value} (none attached)"))
        return tuple(known)
    return ()


def _target(name: str, kind: str) -> str:
    return "process on this machine" if name == kind == "process" else f"{name} ({kind})"
