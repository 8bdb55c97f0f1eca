"""The last step: what will be done, what stands against it, and the command that does the same."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from backends.errors import PilothouseError
from backends.services.records import Plan, PlanStep
from backends.targets.records import Preflight
from console import present
from console.app.services.image_plan import image_facts
from console.app.wizard.checks import Finding
from console.app.wizard.files import Preview
from console.present import plain

WAITING = "…  asking the registry and the target"


class Review(VerticalScroll, can_focus=True):
    """Shows a plan, or why there is none; scrolls with the arrows."""

    DEFAULT_CSS = """
    Review { height: 1fr; padding: 0 1; }
    Review Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(Content.styled(WAITING, "$dim"))

    def show_waiting(self) -> None:
        """Say that the plan is being made."""
        self._show([Content.styled(WAITING, "$dim")])

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Say what has to be put right before there can be a plan."""
        head = Content.styled(f"{present.count(len(findings), 'thing')} to put right first", "bold")
        self._show([head, Content(), *(_finding(finding) for finding in findings)])

    def show_error(self, error: PilothouseError) -> None:
        """Say why there is no plan."""
        lines = [Content.assemble(("✖ ", "$bad"), (plain(error.what), "bold"))]
        if error.fix:
            lines.append(Content(f"  {plain(error.fix)}"))
        lines += [Content.styled(f"  {plain(line)}", "$dim") for line in error.detail.splitlines()]
        self._show(lines)

    def show_plan(
        self, plan: Plan, unsaved: Sequence[Preview], folder: Path, size: int | None = None
    ) -> None:
        """Show all of a plan; `size` is that of an image that is there already, in bytes."""
        self._show(list(plan_lines(plan, unsaved, folder, size)))

    def _show(self, lines: Sequence[Content]) -> None:
        self.query_one(Static).update(Content("\n").join(lines))


def plan_lines(
    plan: Plan, unsaved: Sequence[Preview], folder: Path, size: int | None = None
) -> Iterator[Content]:
    """The sections of a plan; those with nothing to say are left out."""
    spec = plan.spec
    yield Content.assemble(
        (plan.kind.capitalize(), "bold $accent"),
        " ",
        (plain(spec.name), "bold"),
        f"  r{spec.revision} on {plain(spec.target)}",
    )
    yield from _section("What will be done", [_step(step) for step in plan.steps])
    facts = image_facts(plan, size)
    yield from _section(
        "Image", [Content.assemble((name.ljust(12), "$dim"), text) for name, text in facts]
    )
    yield from _section(
        "Difference to what runs",
        [
            Content.assemble(
                (plain(change.field).ljust(18), "$dim"),
                plain(change.before) or present.NOTHING,
                (" → ", "$dim"),
                (plain(change.after) or present.NOTHING, "bold"),
            )
            for change in plan.changes
        ],
    )
    yield from _section("Checks", _checks(plan.preflight))
    yield from _section("Chosen for you", [Content(plain(note)) for note in plan.notes])
    names = ", ".join(plain(preview.shown) for preview in unsaved)
    files = [Content.assemble((names, "bold"), "  ctrl+s writes, for the command")] if names else []
    yield from _section("Files not written yet", files)
    yield from _section("The same on the command line", [Content.styled(plain(line(plan, folder)))])


def line(plan: Plan, folder: Path) -> str:
    """The command line that does the same, from any folder."""
    there = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    return there + plan.command


def _section(title: str, lines: Sequence[Content]) -> Iterator[Content]:
    if lines:
        yield Content()
        yield Content.styled(title, "$dim")
        yield from (Content("  ") + each for each in lines)


def _step(step: PlanStep) -> Content:
    usual = f"  usually {present.took(step.usual_seconds)}" if step.usual_seconds else ""
    return Content.assemble(
        step.stage.value.ljust(12),
        (step.action.ljust(8), "$dim" if step.action in {"reuse", "keep"} else "$busy"),
        plain(step.detail),
        (usual, "$dim"),
    )


def _checks(checks: Sequence[Preflight]) -> list[Content]:
    """Those that passed on one line; each other one with what it found and what to do."""
    passed = [check for check in checks if check.ok]
    lines = [Content("  ").join(_mark(check) for check in passed)] if passed else []
    for check in checks:
        if not check.ok:
            lines.append(_mark(check) + Content(f"  {plain(check.detail)}"))
            lines += [Content.styled(f"  {plain(check.fix)}", "$dim")] if check.fix else []
    return lines


def _mark(check: Preflight) -> Content:
    mark = ("✓", "$good") if check.ok else ("✖", "$bad") if check.blocking else ("▲", "$warn")
    return Content.assemble(mark, " ", plain(check.name))


def _finding(finding: Finding) -> Content:
    return Content.assemble(
        ("✖ ", "$bad"), (finding.step.label.ljust(12), "bold"), plain(finding.message)
    )
