"""Targets mode: the places to deploy to, whether they answer, and what each can do."""

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from backends.errors import PilothouseError
from backends.targets.catalog import CATALOG, TargetRecord
from backends.targets.records import Capabilities, TargetInfo
from console import present
from console.app.shell.context import Context
from console.app.shell.screen import BaseScreen
from console.app.targets.checks import check
from console.app.widgets.rows import Column, Row
from console.app.widgets.rule import Rule
from console.app.widgets.table import Table
from console.app.widgets.tones import styled
from console.present import NOTHING, Cell, Tone

COLUMNS = (
    Column(title="NAME", width=14, weight=2),
    Column(title="KIND", width=10, weight=1, rank=2),
    Column(title="LINK", width=14),
    Column(title="CPU", width=5, right=True, rank=3),
    Column(title="MEMORY", width=8, right=True, rank=3),
    Column(title="DISK FREE", width=9, right=True, rank=4),
    Column(title="IDENTITY", width=14, weight=3, rank=5),
)

WORDS = {
    "log_push": "logs are pushed",
    "log_resume_exact": "logs resume without loss",
    "state_push": "state is pushed",
    "exec": "a shell inside",
    "tunnel": "reached through a tunnel",
    "scale": "replicas",
    "autoscale": "autoscale",
    "stop": "stop and start",
    "zero_loss_model_update": "model update without a lost request",
    "zero_loss_environment_update": "environment update without a lost request",
    "rotate_keys_without_restart": "keys change without a restart",
    "gpu": "GPU",
    "capacity_known": "capacity known beforehand",
    "usage": "processor and memory measured",
    "images": "runs container images",
}
"""What each capability means to an operator."""


class TargetsScreen(BaseScreen):
    """All targets of the workspace; asked one by one after the first paint."""

    MODE = "targets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "check", "check again", id="targets.check"),
        Binding("enter", "detail", "detail", id="targets.detail", show=False),
    ]
    DEFAULT_CSS = """
    TargetsScreen .detail { width: 1fr; padding: 1 2; background: $background; }
    TargetsScreen Table { width: 2fr; }
    TargetsScreen.-narrow .detail { display: none; }
    TargetsScreen.-narrow.-detail .detail { display: block; }
    TargetsScreen.-narrow.-detail Table { display: none; }
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._targets: dict[str, TargetRecord] = {}
        self._found: dict[str, TargetInfo | PilothouseError] = {}

    def compose_body(self) -> ComposeResult:
        """The list; beside it what the target under the cursor can do."""
        yield Rule()
        with Horizontal():
            yield Table(COLUMNS, empty="No target is attached.")
            yield Static("", classes="detail", markup=False)

    def on_mount(self) -> None:
        """Show what is known, then ask."""
        self.reload()
        self.call_after_refresh(self.action_check)

    @work(exclusive=True, group="targets", exit_on_error=False)
    async def reload(self) -> None:
        """Read the attached targets again."""
        found = await self.context.threads.run(self.context.workspace.targets.list)
        self._targets = {target.name: target for target in found}
        self.summary = present.count(len(found), "target")
        self._draw()

    @work(exclusive=True, group="checks", exit_on_error=False)
    async def action_check(self) -> None:
        """Ask every target."""
        for target in await self.context.threads.run(self.context.workspace.targets.list):
            self._found[target.name] = await check(self.context, target.name)
            self._draw()
            self.refresh_header()

    def _draw(self) -> None:
        self.query_one(Table).show([self._row(target) for target in self._targets.values()])
        self._draw_detail()

    def _row(self, target: TargetRecord) -> Row:
        found = self._found.get(target.name)
        facts: Sequence[Cell] = [Cell(NOTHING, Tone.DIM)] * 4
        if isinstance(found, TargetInfo):
            facts = (
                Cell(f"{found.cpus:g}" if found.cpus else NOTHING),
                Cell(f"{found.memory_gb:.0f} GB" if found.memory_gb else NOTHING),
                Cell(f"{found.disk_free_gb:.0f} GB" if found.disk_free_gb else NOTHING),
                Cell(found.identity, Tone.DIM),
            )
        cells = (Cell(target.name), Cell(target.kind, Tone.DIM), _link(found), *facts)
        return Row(target.name, cells)

    def on_table_highlighted(self) -> None:
        """Show what the target can do."""
        self._draw_detail()

    def on_table_opened(self) -> None:
        """On a narrow screen, the detail takes the list's place."""
        self.add_class("-detail")

    def action_back(self) -> None:
        """From the detail to the list."""
        self.remove_class("-detail")

    def copy_text(self) -> str:
        """The target's name."""
        return self.query_one(Table).at or ""

    def _draw_detail(self) -> None:
        name = self.query_one(Table).at
        target = self._targets.get(name or "")
        self.target = name or ""
        if target is not None:
            lines = _detail(target, self._found.get(target.name), self._capabilities(target))
            self.query_one(".detail", Static).update(Content("\n").join(map(styled, lines)))

    def _capabilities(self, target: TargetRecord) -> Capabilities | None:
        try:
            return self.context.workspace.targets.open(target.name).capabilities
        except PilothouseError:
            return None  # its check says why


def _link(found: TargetInfo | PilothouseError | None) -> Cell:
    if found is None:
        return Cell("asking …", Tone.DIM)
    if isinstance(found, TargetInfo):
        return Cell(f"● {found.latency_ms:.0f} ms", Tone.GOOD)
    return Cell("✖ no answer", Tone.BAD)


def _detail(
    target: TargetRecord, found: TargetInfo | PilothouseError | None, can: Capabilities | None
) -> list[Sequence[Cell]]:
    row = CATALOG.get(target.kind)
    lines: list[Sequence[Cell]] = [
        (Cell(target.name, Tone.ACCENT), Cell(f"  {row.title if row else target.kind}", Tone.DIM)),
        (),
    ]
    if isinstance(found, TargetInfo):
        lines.append((Cell("version  ", Tone.DIM), Cell(found.version)))
        lines.append((Cell("is       ", Tone.DIM), Cell(found.identity)))
    elif found is not None:
        lines += [(Cell(found.what, Tone.BAD),), (Cell(found.fix, Tone.DIM),)]
    lines += [(Cell(f"{key}  ", Tone.DIM), Cell(text)) for key, text in target.settings.items()]
    lines.append(())
    for name in Capabilities.__struct_fields__ if can else ():
        able = bool(getattr(can, name))
        mark = Cell("✓ ", Tone.GOOD) if able else Cell("─ ", Tone.DIM)
        lines.append((mark, Cell(WORDS[name], Tone.PLAIN if able else Tone.DIM)))
    return lines
