"""What is wrong with the form: field by field as it is typed, and as a whole."""

import difflib
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from backends.configs.deployment import check_deployment, emit_deployment, parse_deployment
from backends.configs.inference import check_inference, emit_inference, parse_inference
from backends.configs.records import Problem, Severity
from backends.errors import Refused
from backends.registry.records import Framework
from console.app.widgets.field import label_of
from console.app.wizard import steps
from console.app.wizard.form import Form
from console.app.wizard.steps import SELF_EVIDENT, Answers, Packages, Step

SERVED_ALONE = frozenset({Framework.ONNX, Framework.SCIKITLEARN, Framework.TENSORFLOW})
"""Frameworks whose models need no entry script."""
KEYS = {"computeType": steps.TARGET.name, "computeTargetName": steps.TARGET.name}
"""Keys that another field answers than the one of their name."""


class Finding(Struct, frozen=True, kw_only=True):
    """Something wrong or doubtful, and where it is shown."""

    step: Step
    field: str
    """Name of the field; empty when it concerns the whole step."""
    text: str
    """The field's text when this was found: it no longer holds once that changes."""
    message: str
    error: bool = True


def of_files(form: Form) -> tuple[Finding, ...]:
    """The problems of the files that were read, each with its line.

    They are doubts here: what is written back is made from the form, whose texts are checked.
    """
    parts = (
        (Step.INFERENCE, form.inference.problems, form.inference.said),
        (Step.ENVIRONMENT, form.conda.problems, form.conda.said),
        (Step.DEPLOYMENT, form.deployment.problems, form.deployment.said),
    )
    found = [
        replace(finding, text=said.get(finding.field, finding.text))
        for step, problems, said in parts
        for finding in _placed(form, step, problems)
    ]
    return tuple(replace(finding, error=False) for finding in found)


def of_whole(form: Form) -> tuple[Finding, ...]:
    """What the configs break as wholes, and files that they name and that are not there."""
    found: list[Finding] = []
    if not form.folder.is_dir():
        found.append(_finding(form, Step.MODEL, steps.FOLDER.name, "There is no such folder."))
    inference, deployment = form.inference_config(), form.deployment_config()
    if inference is not None and inference.entry_script:
        said = parse_inference(emit_inference(inference, secrets=True), "").problems
        found += _placed(form, Step.INFERENCE, (*said, *check_inference(inference, form.folder)))
    said = parse_deployment(emit_deployment(deployment, secrets=True), "").problems
    found += _placed(form, Step.DEPLOYMENT, (*said, *check_deployment(deployment, form.folder)))
    return tuple(_unwritten(form, finding) for finding in found)


def of_step(form: Form, step: Step, known: Iterable[Finding] = ()) -> tuple[Finding, ...]:
    """What is wrong in a step now: every field's text, and those of `known` that still hold."""
    rows = form.fields(step)
    holding = [each for each in known if each.step is step and _holds(form, each)]
    found = [*_rules(form, step)]
    for row in rows:
        about = [each for each in holding if each.field == row.name]
        problem = row.check(form.get(row.name))
        if problem is None:
            found += about
        elif about:
            found.append(replace(about[0], error=True))
        else:
            rest = problem.message.partition(" ")[2]
            message = problem.message if row.key else f"{label_of(row).capitalize()} {rest}"
            found.append(_finding(form, step, row.name, message))
    return (*(each for each in holding if not each.field), *found)


def refuse_unwritable(form: Form) -> None:
    """Let only texts be written that are right.

    Raises:
        Refused: some are not; the first is named.
    """
    wrong = [
        finding
        for step in (Step.INFERENCE, Step.ENVIRONMENT, Step.DEPLOYMENT)
        for finding in of_step(form, step)
        if finding.error
    ]
    if wrong:
        raise Refused(
            f"The files cannot be written yet: {wrong[0].message}",
            fix=f"Put it right on the step {wrong[0].step.label}; what you typed is kept.",
        )


def _holds(form: Form, finding: Finding) -> bool:
    return not finding.field or form.get(finding.field) == finding.text


def _rules(form: Form, step: Step) -> list[Finding]:
    """What the fields of a step break together."""
    script = form.get("answers") == Answers.SCRIPT
    kind = form.compute.value
    rules = (
        (
            "overwrite",
            step is Step.MODEL and form.get("overwrite") == "false",
            f"{form.get('service_name')} exists already: say true to replace it.",
        ),
        (
            "answers",
            step is Step.INFERENCE and not script and len(form.models) != 1,
            f"Without an entry script there is exactly one model, not {len(form.models)}.",
        ),
        (
            "environment_name",
            step is Step.ENVIRONMENT
            and script
            and form.get("packages") == Packages.NAMED
            and form.get("environment_name").strip() not in form.environments,
            _unknown_environment(form),
        ),
        (
            "target",
            step is Step.TARGET and form.target is None and form.get("target") != SELF_EVIDENT,
            f"No target of type {kind} is attached: `pilothouse computetarget attach {kind}`.",
        ),
    )
    return [_finding(form, step, name, message) for name, broken, message in rules if broken]


def _unknown_environment(form: Form) -> str:
    name = form.get("environment_name").strip()
    if not name:
        return "A name is needed."
    near = difflib.get_close_matches(name, form.environments, n=3, cutoff=0.4)
    return f"No environment is named so. Near: {', '.join(near or form.environments[:3])}."


def _placed(form: Form, usual: Step, problems: Sequence[Problem]) -> list[Finding]:
    return [_place(form, usual, problem) for problem in problems]


def _place(form: Form, usual: Step, problem: Problem) -> Finding:
    """The problem at the field whose key it names, with `file:line` where it was read."""
    where = f"{problem.file}:{problem.line}: " if problem.file and problem.line else ""
    error = problem.severity is Severity.ERROR
    message = where + problem.message
    for step in Step:
        for row in form.fields(step):
            if problem.key and (row.key == problem.key or KEYS.get(problem.key) == row.name):
                return _finding(form, step, row.name, message, error=error)
    return _finding(form, usual, "", message, error=error)


def _unwritten(form: Form, finding: Finding) -> Finding:
    """A conda file that is still to be written is no error yet."""
    if finding.field == steps.CONDA_FILE.name and form.conda.text is None:
        return replace(finding, message="It is not there yet: ctrl+s writes it.")
    return finding


def _finding(form: Form, step: Step, name: str, message: str, *, error: bool = True) -> Finding:
    return Finding(step=step, field=name, text=form.get(name), message=message, error=error)
