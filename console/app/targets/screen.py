"""Targets mode: the places to deploy to, whether they answer, and what each can do."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from backends.errors import Conflict, PilothouseError, Refused, Unsupported
from backends.services.command import target_command
from backends.targets.catalog import CATALOG, TargetRecord
from backends.targets.records import Capabilities, TargetInfo
from console import present
from console.app.shell.context import Context
from console.app.shell.dialog import Confirm
from console.app.shell.screen import BaseScreen
from console.app.targets.attach import LOCAL, AttachDialog
from console.app.targets.checks import check
from console.app.widgets.rows import Column, Row
from console.app.widgets.rule import Rule
from console.app.widgets.table import Table
from console.app.widgets.tones import styled
from console.present import NOTHING, Cell, Tone

COLUMNS = (
    Column(title="NAME", width=14, weight=2),
    Column(title="KIND", width=17, weight=1, rank=2),
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
    "log_outlives_stop": "its log can be read after a stop",
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
        Binding("n", "attach", "attach", id="targets.attach"),
        Binding("e", "settings", "settings", id="targets.settings"),
        Binding("d", "default", "default", id="targets.default"),
        Binding("i", "images", "images", id="targets.images"),
        Binding("X", "detach", "detach", id="targets.detach"),
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
        self._default = LOCAL

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
        run, targets = self.context.threads.run, self.context.workspace.targets
        found = await run(targets.list)
        self._default = await run(targets.default)
        for target in found:
            if self._targets.get(target.name, target) != target:
                self._found.pop(target.name, None)
        self._targets = {target.name: target for target in found}
        self.summary = present.count(len(found), "target")
        self._draw()

    @work(exclusive=True, group="checks", exit_on_error=False)
    async def action_check(self) -> None:
        """Ask every target."""
        targets = await self.context.threads.run(self.context.workspace.targets.list)
        await asyncio.gather(*(self._check(target.name) for target in targets))

    async def _check(self, name: str) -> None:
        self._found[name] = await check(self.context, name)
        self._draw()
        self.refresh_header()

    def unable(self, action: str) -> bool:
        """The embedded target is neither attached nor changed; images want an engine."""
        able = self.context.able.get(self.target)
        if action == "images":
            return not (able and able.images)
        return action in {"settings", "detach"} and self.target == LOCAL

    def action_attach(self) -> None:
        """Attach another target."""
        self.context.guard.check("attach a target")
        self._change(None)

    def action_settings(self) -> None:
        """Change the settings of the target under the cursor."""
        if target := self._chosen("change its settings"):
            self.context.guard.check(f"change the settings of {target.name}")
            self._change(target)

    def action_detach(self) -> None:
        """Forget the target under the cursor, once that is said again."""
        if target := self._chosen("detach it"):
            self.context.guard.check(f"detach {target.name}")
            self._forget(target)

    async def action_default(self) -> None:
        """Deploy to the target under the cursor where nothing else is said."""
        if self.target:
            self.context.guard.check(f"make {self.target} the default")
            targets = self.context.workspace.targets
            await self.context.threads.run(targets.set_default, self.target)
            self.reload()
            self.notify(
                f"{self.target} is the default; the same: {self._command('default', self.target)}",
                markup=False,
            )

    def action_images(self) -> None:
        """Show the images of ours on the engine."""
        if self.unable("images"):
            raise Unsupported(
                f"The target {self.target} runs no container images.", fix="Choose an engine."
            )
        from console.app.targets.images import ImagesScreen

        self.app.push_screen(ImagesScreen(self.context, self.target))

    def _chosen(self, what: str) -> TargetRecord | None:
        target = self._targets.get(self.target)
        if target is not None and target.name == LOCAL:
            raise Refused(f"The target 'process' is this machine itself: nobody can {what}.")
        return target

    def _command(self, verb: str, *words: str) -> str:
        return target_command(verb, words[0], self.context.workspace.name, *words[1:])

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _change(self, target: TargetRecord | None) -> None:
        wanted = await self.app.push_screen_wait(AttachDialog(self.context, target))
        if wanted is None:
            return
        if target is None and wanted.name in self._targets:
            raise Conflict(
                f"Target '{wanted.name}' is attached already.",
                fix="Choose another name; e changes the settings of one that is attached.",
            )
        await self.context.threads.run(self.context.workspace.targets.attach, wanted)
        self.context.able.pop(wanted.name, None)
        settings = [f"--set={key}={value}" for key, value in wanted.settings.items()]
        same = target_command(
            f"attach {wanted.kind}", wanted.name, self.context.workspace.name, *settings
        )
        self.notify(f"{wanted.name} is attached; the same: {same}", markup=False)
        self.reload()
        self.action_check()

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _forget(self, target: TargetRecord) -> None:
        services = await self.context.threads.run(self.context.workspace.services.list)
        there = [service.name for service in services if service.target == target.name]
        lines = ["What runs there goes on; it is shown no more until the target is back."]
        if there:
            lines.insert(0, f"Services there: {', '.join(there)}.")
        dialog = Confirm(
            f"Detach {target.name}?",
            lines,
            verb="Detach",
            typed=target.name if there else "",
            equivalent=self._command("detach", target.name),
        )
        if await self.app.push_screen_wait(dialog):
            await self.context.threads.run(self.context.workspace.targets.detach, target.name)
            self.context.links.pop(target.name, None)
            self._found.pop(target.name, None)
            self.reload()

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
        kind = f"{target.kind} · default" if target.name == self._default else target.kind
        cells = (Cell(target.name), Cell(kind, Tone.DIM), _link(found), *facts)
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
        self.refresh_bindings()
        if target is not None:
            lines = _detail(
                target, self._found.get(target.name), self.context.able.get(target.name)
            )
            self.query_one(".detail", Static).update(Content("\n").join(map(styled, lines)))


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
