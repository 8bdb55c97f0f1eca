"""Config: what runs, as the files would say it, and how it differs from the revision before."""

import difflib
from collections.abc import Iterator, Sequence

from textual import work
from textual.app import ComposeResult

from backends.services.records import Revision
from backends.targets.records import ServiceSpec
from console import present
from console.app.services.pane import Pane
from console.app.widgets.text_view import Line, TextView, json_line
from console.present import NOTHING, Cell, Tone


class ConfigPane(Pane):
    """One revision: its spec, both configs, the difference to the one before."""

    DEFAULT_CSS = "ConfigPane TextView { padding: 0 1; }"

    revision: int | None = None
    """Which is shown; None is the newest."""

    def compose(self) -> ComposeResult:
        """The text."""
        yield TextView()

    def refresh_view(self) -> None:
        """Read the revisions."""
        self._read()

    def take_focus(self) -> None:
        """To the text."""
        self.query_one(TextView).focus()

    def show_revision(self, number: int) -> None:
        """Show another revision."""
        self.revision = number
        self._read()

    def copy_text(self) -> str:
        """All of it."""
        lines = self.query_one(TextView).lines.lines
        return "\n".join("".join(cell.text for cell in line) for line in lines)

    @work(exclusive=True, group="config", exit_on_error=False)
    async def _read(self) -> None:
        revisions = self.context.workspace.services.revisions
        found = await self.context.threads.run(revisions, self.name_of_service)
        place = next((i for i, each in enumerate(found) if each.number == self.revision), 0)
        before = found[place + 1] if place + 1 < len(found) else None
        lines = list(config_lines(found[place], before)) if found else []
        text = self.query_one(TextView)
        if lines != list(text.lines.lines):
            text.show(lines)


def config_lines(revision: Revision, before: Revision | None) -> Iterator[Line]:
    """A revision as text: what it is, what changed, the files."""
    when = present.date_time(revision.created)
    yield (
        Cell(f"r{revision.number}", Tone.ACCENT),
        Cell(f"  {revision.note}  {when}  {revision.actor}", Tone.DIM),
    )
    yield ()
    for name, value in spec_facts(revision.spec):
        yield (Cell(f"{name:<14}", Tone.DIM), Cell(value))
    if before is not None:
        yield ()
        yield (Cell(f"── changed since r{before.number}", Tone.DIM),)
        yield from changes(before, revision)
    for title, text in files(revision):
        yield ()
        yield (Cell(f"── {title}", Tone.DIM),)
        yield from (json_line(line) for line in text.rstrip("\n").split("\n"))


def spec_facts(spec: ServiceSpec) -> list[tuple[str, str]]:
    """What a revision runs, a name and a value each."""
    resources, limits = spec.resources, spec.limits
    facts = [
        ("models", " ".join(model.id for model in spec.models)),
        (
            "entry script",
            spec.entry_script or (f"no code ({spec.builtin})" if spec.builtin else ""),
        ),
        ("source", spec.source_directory or ""),
        ("environment", spec.environment_key[:12] or "the server's own"),
        ("interpreter", str(spec.interpreter or "")),
        ("image", spec.image or ""),
        ("port", str(spec.port or "a free one")),
        ("replicas", str(spec.replicas)),
        ("cpu", f"{resources.cpu:g} cores" if resources.cpu else ""),
        ("memory", f"{resources.memory_gb:g} GB" if resources.memory_gb else ""),
        ("gpu", str(resources.gpu or "")),
        ("concurrency", str(limits.concurrency)),
        ("scoring limit", present.took(limits.scoring_timeout_ms / 1000)),
        ("keys", "wanted" if spec.auth else "not wanted"),
        ("variables", " ".join(sorted(spec.variables))),
        ("tags", present.pairs(spec.tags)),
        ("description", spec.description),
    ]
    return [(name, value) for name, value in facts if value]


def files(revision: Revision) -> list[tuple[str, str]]:
    """Both configs as files would say them; secrets are never in a revision."""
    from backends.configs.deployment import emit_deployment
    from backends.configs.inference import emit_inference

    found = []
    if revision.inference is not None:
        found.append(("inferenceconfig.json", emit_inference(revision.inference)))
    if revision.deployment is not None:
        found.append(("deploymentconfig.json", emit_deployment(revision.deployment)))
    return found


def changes(before: Revision, after: Revision) -> Iterator[Line]:
    """Lines that left, `-`, and lines that came, `+`."""
    old, new = _text(before), _text(after)
    found = [
        line
        for line in difflib.unified_diff(old, new, n=0, lineterm="")
        if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    ]
    for line in found or [NOTHING]:
        tone = {"+": Tone.GOOD, "-": Tone.BAD}.get(line[:1], Tone.DIM)
        yield (Cell(f"{line[:1]} {line[1:]}" if tone is not Tone.DIM else line, tone),)


def _text(revision: Revision) -> Sequence[str]:
    facts = [f"{name}: {value}" for name, value in spec_facts(revision.spec)]
    lines = [line for _title, text in files(revision) for line in text.splitlines()]
    return [*facts, *lines]
