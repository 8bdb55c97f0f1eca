"""The form that attaches a target, or changes its settings: asked live whether it answers."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Static

from backends.configs.field import Field, Kind
from backends.errors import PilothouseError
from backends.targets.catalog import CATALOG, TargetRecord, check_settings, ways_of
from backends.targets.records import TargetInfo
from backends.targets.ways import Setting, Way
from console import present
from console.app.shell.context import Context
from console.app.shell.dialog import Dialog
from console.app.widgets.choice import Option
from console.app.widgets.field import FieldRow
from console.app.widgets.tones import styled
from console.present import Cell, Tone, plain

PAUSE_SECONDS = 0.4
"""A target is asked once nothing was typed for so long."""
PATIENCE = 10.0
LOCAL = "process"
"""Always there; never attached."""
FREE = Way(name="settings", title="settings", help="Settings of this kind of target.")


class Draft(Struct, frozen=True, kw_only=True):
    """What the form holds: a record as far as it is typed."""

    record: TargetRecord
    missing: tuple[str, ...]
    """Settings that are needed and empty."""


class AttachDialog(Dialog[TargetRecord]):
    """Asks for name, kind, road and settings; ends with the record, which is not yet kept.

    Args:
        context: Of the console.
        record: Whose settings are changed; None attaches another.
    """

    DEFAULT_CSS: ClassVar[str] = """
    AttachDialog FieldRow .label { width: 14; }
    AttachDialog FieldRow .help, AttachDialog FieldRow .error { padding-left: 14; }
    AttachDialog FieldRow .help { display: none; }
    AttachDialog FieldRow:focus-within .help, AttachDialog .road .help { display: block; }
    AttachDialog .road, AttachDialog .settings { height: auto; }
    AttachDialog .answer { height: auto; min-height: 2; margin-top: 1; width: 100%; }
    AttachDialog.-short .answer { margin-top: 0; }
    """

    def __init__(self, context: Context, record: TargetRecord | None = None) -> None:
        super().__init__()
        self.context = context
        self.title_text = f"Settings of {record.name}" if record else "Attach a target"
        self.choices = (("cancel", "Cancel"), ("go", "Save" if record else "Attach"))
        self._record = record
        self._kind = record.kind if record else next(kind for kind in CATALOG if kind != LOCAL)
        self._ways = ways_of(self._kind) or (FREE,)
        self._way = _way_of(self._ways, record)
        self._said = dict(record.settings) if record else {}

    def compose_content(self) -> ComposeResult:
        """Name, kind, road, the road's settings, the answer."""
        if self._record is None:
            yield FieldRow(_field("name", "What to call it here", required=True))
            kinds = [Option(kind, row.title) for kind, row in CATALOG.items() if kind != LOCAL]
            yield FieldRow(_field("kind", "What it is"), self._kind, options=kinds)
        yield Vertical(classes="road")
        yield Vertical(classes="settings")
        yield Static(classes="answer")

    def on_mount(self) -> None:
        """Begin with the name, or the settings that are there."""
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        await self._lay_roads()
        for row in self.query(FieldRow).results():
            row.take_focus()
            break

    async def on_field_row_changed(self, event: FieldRow.Changed) -> None:
        """Take what was typed; another kind or road has other settings."""
        event.stop()
        if event.name == "kind":
            self._kind = event.text
            self._ways = ways_of(event.text) or (FREE,)
            self._way, self._said = self._ways[0], {}
            await self._lay_roads()
        elif event.name == "way":
            self._way = next(way for way in self._ways if way.name == event.text)
            self._said = {}
            await self._lay_out()
        else:
            self._ask()

    def on_field_row_submitted(self) -> None:
        """`enter` attaches when nothing is missing."""
        if not self.query_one("#go", Button).disabled:
            self.chosen("go")

    def chosen(self, _choice: str) -> None:
        """Give the record back."""
        self.dismiss(self._draft().record)

    # The road's settings

    async def _lay_roads(self) -> None:
        """The roads of the kind, where there is more than one."""
        place = self.query_one(".road")
        await place.remove_children()
        options = [Option(way.name, way.title) for way in self._ways]
        if len(options) > 1:
            road = _field("way", " ")
            await place.mount(FieldRow(road, self._way.name, options=options, label="reached by"))
        await self._lay_out()

    async def _lay_out(self) -> None:
        """The settings of the road."""
        for row in self.query(".road FieldRow .help").results(Static):
            row.update(Content(plain(self._way.help)))
        place = self.query_one(".settings")
        await place.remove_children()
        rows = [
            FieldRow(_of(setting), self._said.get(setting.name, ""))
            for setting in self._way.settings
        ]
        if self._way is FREE:
            text = "\n".join(f"{key}={value}" for key, value in self._said.items())
            rows.append(FieldRow(_field("settings", FREE.help, kind=Kind.TABLE), text))
        await place.mount_all(rows)
        self._ask()

    def _draft(self) -> Draft:
        rows = {row.field.name: row.text.strip() for row in self.query(FieldRow)}
        said = dict(self._way.fixed)
        for setting in self._way.settings:
            if value := rows.get(setting.name, ""):
                said[setting.name] = value
        if self._way is FREE:
            pairs = (line.partition("=") for line in rows.get("settings", "").splitlines())
            said |= {key.strip(): value.strip() for key, _, value in pairs if key.strip()}
        name = self._record.name if self._record else rows.get("name", "")
        needed = [s.name for s in self._way.settings if s.required and not said.get(s.name)]
        return Draft(
            record=TargetRecord(
                name=name, kind=self._kind, workspace=self.context.workspace.name, settings=said
            ),
            missing=(*(() if name else ("name",)), *needed),
        )

    # The answer

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def _ask(self) -> None:
        """Ask the target that the form describes, once typing has paused."""
        draft = self._draft()
        self.query_one("#go", Button).disabled = bool(draft.missing)
        lacking = [name for name in draft.missing if name != "name"]
        if lacking:
            self._answer(((Cell(f"needed: {', '.join(lacking)}", Tone.DIM),),))
            return
        self._answer(((Cell("asking …", Tone.DIM),),))
        await asyncio.sleep(PAUSE_SECONDS)
        record = draft.record
        try:
            await self.context.threads.run(check_settings, record.kind, record.settings)
        except PilothouseError as error:
            self.query_one("#go", Button).disabled = True  # nothing that could be attached
            self._answer(_problem(error))
            return
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self.context.workspace.targets.probe(record)
        except TimeoutError:
            self._answer(
                (
                    (Cell(f"✖ no answer within {PATIENCE:g} s", Tone.BAD),),
                    (Cell("It can be attached all the same.", Tone.DIM),),
                )
            )
        except PilothouseError as error:
            self._answer(_problem(error))
        else:
            self._answer((answer_line(found),))

    def _answer(self, lines: Sequence[Sequence[Cell]]) -> None:
        text = Content("\n").join(styled(line) for line in lines)
        self.query_one(".answer", Static).update(text)


def _problem(error: PilothouseError) -> tuple[Sequence[Cell], ...]:
    return (Cell(f"✖ {plain(error.what)}", Tone.BAD),), (Cell(plain(error.fix), Tone.DIM),)


def answer_line(found: TargetInfo) -> tuple[Cell, ...]:
    """What a target that answers is and has, on one line."""
    has = [
        present.count(int(found.cpus), "core") if found.cpus else "",
        f"{found.memory_gb:.0f} GB" if found.memory_gb else "",
        "GPU" if found.gpus else "",
    ]
    facts = " · ".join(text for text in (plain(found.version), plain(found.identity), *has) if text)
    return (
        Cell("● ", Tone.GOOD),
        Cell(facts),
        Cell(f"   {found.latency_ms:.0f} ms", Tone.DIM),
    )


def _way_of(ways: Sequence[Way], record: TargetRecord | None) -> Way:
    """The road that a record's settings took: all of them are its own."""
    if record is None:
        return ways[0]
    said = {"url" if name == "address" else name for name in record.settings}
    url = record.settings.get("url") or record.settings.get("address") or ""
    fitting = [way for way in ways if said <= {setting.name for setting in way.settings}]
    scheme = url.partition("://")[0] if "://" in url else "socket"
    near = [way for way in fitting if url and way.name == scheme]
    return next(iter(near or fitting), ways[0] if not said else FREE)


def _of(setting: Setting) -> Field:
    help_text = f"{setting.help}: {setting.example}" if setting.example else setting.help
    return Field(
        name=setting.name,
        attribute=setting.name,
        key=setting.name,
        help=help_text,
        kind=Kind.PATH if setting.path else Kind.TEXT,
        choices=setting.choices,
        required=setting.required,
    )


def _field(name: str, help_text: str, *, required: bool = False, kind: Kind = Kind.TEXT) -> Field:
    return Field(name=name, attribute=name, key=name, help=help_text, required=required, kind=kind)
