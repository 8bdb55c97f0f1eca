"""How services read: rows, the head of one, why one failed and what to try. Pure."""

import re
from collections.abc import Sequence

from backends.services.records import Plan, Service
from backends.targets.records import Evidence, ServiceState
from console import present
from console.app.services.image_plan import image_facts
from console.app.widgets.rows import Column, Row
from console.present import NOTHING, Cell, Tone
from console.printable import printable

COLUMNS = (
    Column(title="NAME", width=14, weight=2),
    Column(title="STATE", width=15),
    Column(title="REVISION", width=13, rank=2),
    Column(title="READY", width=5, right=True, rank=4),
    Column(title="MODELS", width=16, weight=3, rank=3),
    Column(title="TARGET", width=10, weight=1, rank=5),
    Column(title="ADDRESS", width=27, weight=1, rank=6),
    Column(title="AGE", width=4, right=True, rank=1),
)
TRACEBACK_LINES = 14
LOG_LINES = 8
TREE_LINES = 12
BUILDS = frozenset({"environment", "image"})
"""Stages whose last lines are a build's output and no log."""
QUOTED = 6
"""A line of fewer characters is not looked for in a reason."""

STAGES = {
    "bundle": "laying out the files",
    "environment": "building the environment",
    "image": "building the image",
    "apply": "handing it to the target",
    "container": "starting the container",
    "supervisor": "its supervisor",
    "import": "importing the entry script",
    "init": "init()",
    "warm-up": "the warm-up request",
    "run": "run()",
    "health": "its health check",
    "target": "its target",
}
"""What went on in each stage that evidence names."""

Line = Sequence[Cell]


def row(service: Service, now: float) -> Row:
    """A service as the list shows it."""
    cells = (
        Cell(service.name),
        present.state(service.state, reachable=service.reachable),
        Cell(revision(service), Tone.DIM),
        Cell(f"{service.ready}/{service.wanted}"),
        Cell(models(service)),
        Cell(service.target, Tone.DIM),
        Cell(service.scoring_uri or NOTHING, Tone.DIM),
        Cell(present.age(service.updated, now), Tone.DIM),
    )
    return Row(service.name, cells)


def models(service: Service) -> str:
    """The model versions that it carries."""
    return " ".join(model.id for model in service.spec.models) or NOTHING


def carried(service: Service) -> str:
    """Its models and what runs them: `digits:2 · no code (onnx)`."""
    spec = service.spec
    script = spec.entry_script or f"no code ({spec.builtin})"
    return f"{models(service) if spec.models else 'no model'} · {script}"


def revision(service: Service) -> str:
    """Which revision serves and which is coming: `r4 → r5`."""
    serving = f"r{service.serving}" if service.serving else NOTHING
    if service.rolling_out and service.rolling_out != service.serving:
        return f"{serving} → r{service.rolling_out}"
    return serving


def rollout(service: Service) -> str:
    """Both axes in words: what comes up, and what answers meanwhile."""
    ready = f"{service.ready}/{service.wanted}"
    serves = f"r{service.serving} serves {ready}" if service.serving else ""
    if service.rolling_out and service.rolling_out != service.serving:
        coming = f"rolling out r{service.rolling_out}"
        return f"{coming} ({serves})" if serves else coming
    if serves:
        return serves
    return f"r{service.spec.revision} answers no requests"


def _place(service: Service) -> str:
    """The target, after its kind when that does not name it already."""
    kind, target = service.compute_type, service.target
    return target if kind == target else f"{kind}:{target}"


ASKING_SECONDS = 2.0
"""An answer that takes no longer is not announced."""


def head(service: Service, now: float, *, live: bool = True) -> tuple[Line, Line]:
    """The two lines above every view of a service.

    Args:
        service: As last observed.
        now: Seconds since the epoch.
        live: Its target said so since the view was opened.
    """
    state = present.state(service.state, reachable=service.reachable)
    coming = service.state is ServiceState.TRANSITIONING and service.phase
    phase = f"  {service.phase}" if coming else ""
    address = service.scoring_uri or "no address yet"
    first = (
        Cell(state.text, state.tone),
        Cell(f"{phase}   {rollout(service)}"),
        Cell(f"   {_place(service)}   {address}", Tone.DIM),
    )
    if not service.reachable:
        seen = present.age(service.seen, now)
        return first, (
            Cell(f"{service.target} does not answer; this is how it was {seen} ago.", Tone.WARN),
        )
    asking: Line = ()
    if not live and now - service.seen > ASKING_SECONDS:
        seen = present.age(service.seen, now)
        asking = (Cell(f"as seen {seen} ago; asking {service.target} …   ", Tone.DIM),)
    if service.state is ServiceState.HEALTHY:
        return first, (*asking, Cell(carried(service), Tone.DIM))
    return first, (*asking, Cell(_sentence(service.reason), state.tone))


def failed(service: Service) -> bool:
    """There is something to explain."""
    troubled = {ServiceState.FAILED, ServiceState.UNHEALTHY, ServiceState.UNSCHEDULABLE}
    return service.state in troubled


def failure(service: Service) -> list[Line]:
    """The failure card: what failed, why, what to try, the evidence."""
    evidence = service.evidence
    state = present.state(service.state)
    where = STAGES.get(evidence.stage, evidence.stage)
    code = evidence.exit_code
    lines: list[Line] = [
        (
            Cell(f"{state.text}{f' in {where}' if where else ''}", state.tone),
            Cell(f"   r{service.rolling_out or service.spec.revision}", Tone.DIM),
            Cell(f"   exit code {code}" if code is not None else "", Tone.DIM),
        ),
        (Cell(_sentence(service.reason)),),
    ]
    lines += _section("What to try", advice(service), Tone.PLAIN, "→ ")
    traceback = _lines(evidence.traceback)
    lines += _section("Traceback, its last frames", traceback[-TRACEBACK_LINES:], Tone.PLAIN)
    last = [line for text in evidence.last_lines for line in _lines(text)]
    rest = [line for line in last if line not in traceback]
    if evidence.stage in BUILDS:
        lines += output_lines(around(rest, service.reason, LOG_LINES), service.reason)
    else:
        lines += _section("Last log lines (enter goes there)", rest[-LOG_LINES:], Tone.DIM)
    tree = [line for text in evidence.model_tree for line in _lines(text)]
    lines += _section("Model directory", tree[:TREE_LINES], Tone.DIM)
    if evidence.event:
        lines += _section("The target says", _lines(evidence.event), Tone.DIM)
    return lines


def around(said: Sequence[str], reason: str, count: int) -> list[str]:
    """So many lines, the one that the reason quotes among them; else the last."""
    at = _quoted(said, reason)
    if at is None:
        return list(said[-count:])
    first = max(min(at - count + 2, len(said) - count), 0)
    return list(said[first : first + count])


def output_lines(said: Sequence[str], reason: str = "") -> list[Line]:
    """Lines of a build's output; the one that the reason quotes stands out."""
    at = _quoted(said, reason)
    if not said:
        return []
    found = [
        (Cell(f"  {'▶' if number == at else '┆'} {line}", Tone.BAD if number == at else Tone.DIM),)
        for number, line in enumerate(said)
    ]
    return [(), (Cell("Output of the build (o shows all)", Tone.DIM),), *found]


def _quoted(said: Sequence[str], reason: str) -> int | None:
    """Which line the reason quotes, the last of several; short ones say nothing."""
    for at in range(len(said) - 1, -1, -1):
        line = said[at].strip()
        if len(line) >= QUOTED and line.rstrip(".") in reason:
            return at
    return None


def advice(service: Service) -> list[str]:
    """What a person can do about it, the likeliest first."""
    found = list(_advice(service.evidence, service.state))
    if service.serving and service.serving != service.spec.revision:
        found.append(f"r{service.serving} still serves; b rolls back to it for good.")
    return found or ["l shows the log around that moment."]


def plan_lines(plan: Plan) -> list[Line]:
    """A plan before it is run: steps, differences, checks, choices made on the way."""
    lines: list[Line] = []
    for step in plan.steps:
        usual = f"≈ {present.took(step.usual_seconds)}" if step.usual_seconds else ""
        lines.append(
            (
                Cell(f"  {step.action:<8}", Tone.ACCENT),
                Cell(f"{step.stage.value:<12}"),
                Cell(f"{usual:>9}  {step.detail}", Tone.DIM),
            )
        )
    if facts := image_facts(plan):
        lines += [(), (Cell("Image", Tone.DIM),)]
        lines += [(Cell(f"  {name:<9}", Tone.DIM), Cell(text)) for name, text in facts]
    if plan.changes:
        lines += [(), (Cell("Changes", Tone.DIM),)]
    for change in plan.changes:
        lines.append(
            (
                Cell(f"  {change.field}  "),
                Cell(change.before or NOTHING, Tone.BAD),
                Cell(" → ", Tone.DIM),
                Cell(change.after or NOTHING, Tone.GOOD),
            )
        )
    if plan.preflight:
        lines += [(), (Cell("Checks", Tone.DIM),)]
    for check in plan.preflight:
        glyph, tone = ("✓", Tone.GOOD) if check.ok else ("✖", Tone.BAD)
        fix = f" {check.fix}" if check.fix and not check.ok else ""
        lines.append((Cell(f"  {glyph} ", tone), Cell(f"{check.name}: {check.detail}{fix}")))
    lines += [(Cell(f"  {note}", Tone.DIM),) for note in plan.notes]
    return lines


def _advice(evidence: Evidence, state: ServiceState) -> Sequence[str]:
    trace = evidence.traceback
    missing = re.search(r"No module named '([\w.]+)'", trace)
    if evidence.out_of_memory:
        return ["It ran out of memory: raise memoryInGB in the deployment config, then u."]
    if state is ServiceState.UNSCHEDULABLE:
        return ["Ask for less (cpu, memoryInGB) or choose another target, then u."]
    if missing:
        return [f"Add the package of '{missing[1]}' to the conda file's pip section, then u."]
    if "FileNotFoundError" in trace:
        return ["Compare the path with the model directory (AZUREML_MODEL_DIR)."]
    if evidence.stage == "environment":
        return ["Correct the pin that the lines name in the conda file, then u."]
    if evidence.stage in {"import", "init"}:
        return ["Correct the entry script where the last frame points, then u."]
    if evidence.stage == "supervisor":
        return ["s starts it again, at the same address."]
    if evidence.exit_code is not None and evidence.exit_code < 0:
        return [f"Signal {-evidence.exit_code} ended it; l shows what came before."]
    return []


def _section(title: str, lines: Sequence[str], tone: Tone, lead: str = "") -> list[Line]:
    if not lines:
        return []
    return [(), (Cell(title, Tone.DIM),), *((Cell(f"  {lead}{line}", tone),) for line in lines)]


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in printable(text).split("\n") if line.strip()]


def _sentence(text: str) -> str:
    return " ".join(_lines(text))
