"""How each step stands, in a mark and a few words."""

from collections.abc import Iterable

from msgspec import Struct

from console.app.wizard import checks
from console.app.wizard.checks import Finding
from console.app.wizard.form import Form
from console.app.wizard.steps import Answers, Packages, Step, deployment_fields
from console.present import Cell, Tone, count

PACKAGES = {
    Packages.SERVER: "the server's own",
    Packages.CONDA: "conda file",
    Packages.NAMED: "registered",
    Packages.INLINE: "in the inference config",
}


class Standing(Struct, frozen=True):
    """How a step stands."""

    step: Step
    mark: Cell
    """✓, ✖, ▲ or ·"""
    summary: Cell
    """What was chosen, or what is missing."""


def standings(form: Form, known: Iterable[Finding]) -> tuple[Standing, ...]:
    """All steps; the review is marked once nothing stands against it."""
    known = tuple(known)
    found = [standing(form, step, known) for step in Step if step is not Step.REVIEW]
    ready = all(each.mark.text != "✖" for each in found)
    words = Cell("ready to deploy" if ready else "after the rest", Tone.DIM)
    return (*found, Standing(Step.REVIEW, Cell("·", Tone.DIM), words))


def standing(form: Form, step: Step, known: Iterable[Finding]) -> Standing:
    """One step: what is missing before what is wrong before what was chosen."""
    findings = checks.of_step(form, step, known)
    errors = [finding for finding in findings if finding.error]
    missing = [finding.field for finding in errors if finding.field and not finding.text.strip()]
    if missing:
        words = f"needs {', '.join(name.replace('_', ' ') for name in missing)}"
        return Standing(step, Cell("✖", Tone.BAD), Cell(words, Tone.BAD))
    if errors:
        return Standing(step, Cell("✖", Tone.BAD), Cell(count(len(errors), "problem"), Tone.BAD))
    if findings:
        words = count(len(findings), "doubt")
        return Standing(step, Cell("▲", Tone.WARN), Cell(words, Tone.WARN))
    return Standing(step, Cell("✓", Tone.GOOD), Cell(_chosen(form, step), Tone.DIM))


def _chosen(form: Form, step: Step) -> str:
    script = form.get("answers") == Answers.SCRIPT
    match step:
        case Step.MODEL:
            return ", ".join(form.models) or "no model"
        case Step.INFERENCE:
            return form.get("entry_script") if script else "no code"
        case Step.ENVIRONMENT:
            return PACKAGES[Packages(form.get("packages"))] if script else "no packages needed"
        case Step.TARGET:
            return form.get("target")
    rows = deployment_fields(form.compute)
    said = sum(bool(form.get(row.name).strip()) for row in rows)
    return count(said, "setting") if said else "defaults"
