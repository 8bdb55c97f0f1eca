"""The images of ours on an engine: what needs each, what its layers weigh, what can go."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from backends.services.target_images import ImageUse, TargetImages
from console import present
from console.app.shell.context import Context
from console.app.shell.dialog import Confirm
from console.app.shell.screen import BaseScreen
from console.app.widgets.rows import Column, Row
from console.app.widgets.rule import Rule
from console.app.widgets.table import Table
from console.app.widgets.tones import styled
from console.present import Cell, Tone, plain

if TYPE_CHECKING:
    from backends.images.containers.history import ImageLayer

COLUMNS = (
    Column(title="IMAGE", width=24, weight=3),
    Column(title="KIND", width=11, rank=2),
    Column(title="SIZE", width=7, right=True),
    Column(title="AGE", width=4, right=True, rank=1),
    Column(title="NEEDED BY", width=16, weight=2),
)


class ImagesScreen(BaseScreen):
    """Asked of the engine after the first paint."""

    MODE = "targets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("P", "prune", "prune", id="images.prune"),
        Binding("r", "reload", "look again", id="images.reload"),
        Binding("enter", "detail", "layers", id="images.layers", show=False),
    ]
    DEFAULT_CSS = """
    ImagesScreen Table { width: 3fr; }
    ImagesScreen .detail { width: 2fr; padding: 0 2; }
    ImagesScreen.-narrow .detail { display: none; width: 1fr; }
    ImagesScreen.-narrow.-detail .detail { display: block; }
    ImagesScreen.-narrow.-detail Table { display: none; }
    """

    def __init__(self, context: Context, target: str) -> None:
        super().__init__(context)
        self.set_reactive(ImagesScreen.target, target)
        self._of = TargetImages(
            target,
            targets=context.workspace.targets,
            services=context.workspace.services,
            workspace=context.workspace.name,
        )
        self._images: tuple[ImageUse, ...] = ()
        self._layers: dict[str, tuple[ImageLayer, ...]] = {}

    def compose_body(self) -> ComposeResult:
        """The list; beside it the layers of the image under the cursor."""
        yield Rule()
        with Horizontal():
            yield Table(COLUMNS, empty=f"asking {self.target} …")
            with VerticalScroll(classes="detail", can_focus=False):
                yield Static(markup=False)

    def on_mount(self) -> None:
        """Ask."""
        self.crumbs = ("targets", self.target, "images")
        self.query_one(Table).focus()
        self.reload()

    def action_reload(self) -> None:
        """Ask again."""
        self.reload()

    @work(exclusive=True, group="images", exit_on_error=False)
    async def reload(self) -> None:
        """Ask the engine for its images."""
        table = self.query_one(Table)
        try:
            self._images = await self._of.list()
            table.empty = f"There is no image of ours on {self.target}."
        except BaseException:
            table.empty = f"{self.target} did not tell its images; r asks again."
            table.refresh()
            raise
        now = self.context.clock()
        table.show([_row(use, now) for use in self._images])
        freed = sum(max(use.image.size, 0) for use in self._images if use.unneeded)
        most = f", up to {present.size(freed)} can go" if freed else ""
        self.summary = f"{present.count(len(self._images), 'image')}{most}"
        self._look()

    def on_table_highlighted(self) -> None:
        """Show its layers."""
        self._look()

    def on_table_opened(self) -> None:
        """On a narrow screen, the layers take the list's place."""
        self.add_class("-detail")

    def action_back(self) -> None:
        """From the layers to the list, from the list to the targets."""
        if self.has_class("-detail"):
            self.remove_class("-detail")
        else:
            super().action_back()

    def copy_text(self) -> str:
        """The image's reference."""
        use = self._chosen()
        return use.image.reference if use else ""

    def action_prune(self) -> None:
        """Remove what nothing needs, once that was seen and said."""
        self.context.guard.check(f"remove images from {self.target}")
        self._prune()

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _prune(self) -> None:
        gone = [use.image for use in self._images if use.unneeded]
        if not gone:
            self.notify("Every image of ours is needed: nothing to remove.")
            return
        weight = present.size(sum(max(image.size, 0) for image in gone))
        lines = [
            f"Up to {weight}: layers that other images share stay.",
            *(f"{present.size(image.size):>8}  {image.reference}" for image in gone),
        ]
        workspace = self.context.workspace.name
        dialog = Confirm(
            f"Remove {present.count(len(gone), 'image')} from {self.target}?",
            lines,
            verb="Remove",
            equivalent=f"pilothouse image prune --ct {self.target} -w {workspace}",
        )
        if await self.app.push_screen_wait(dialog):
            removed = await self._of.prune()
            self.notify(f"{present.count(len(removed), 'image')} removed from {self.target}.")
            self.reload()

    @work(exclusive=True, group="layers", exit_on_error=False)
    async def _look(self) -> None:
        use = self._chosen()
        if use is None:
            return
        shown = self.query_one(".detail Static", Static)
        if use.image.id not in self._layers and use.image.kind != "volume":
            shown.update(_text([*_facts(use), (Cell("asking …", Tone.DIM),)]))
            self._layers[use.image.id] = await self._of.layers(use.image.id)
        shown.update(_text([*_facts(use), *_layers(self._layers.get(use.image.id, ()))]))

    def _chosen(self) -> ImageUse | None:
        at = self.query_one(Table).at
        return next((use for use in self._images if use.image.id == at), None)


def _row(use: ImageUse, now: float) -> Row:
    image = use.image
    needed = ", ".join(use.revisions) or ("a container" if image.used_by else "")
    tone = Tone.PLAIN
    if not needed:
        needed, tone = ("nothing", Tone.WARN) if use.unneeded else (present.NOTHING, Tone.DIM)
    cells = (
        Cell(plain(image.reference)),
        Cell(plain(image.kind), Tone.DIM),
        Cell(present.size(image.size) if image.size >= 0 else present.NOTHING),
        Cell(present.age(image.created, now) if image.created else "", Tone.DIM),
        Cell(plain(needed), tone),
    )
    return Row(image.id, cells)


def _facts(use: ImageUse) -> list[Sequence[Cell]]:
    image = use.image
    lines: list[Sequence[Cell]] = [(Cell(plain(image.reference), Tone.ACCENT),)]
    if image.title:
        lines.append((Cell(plain(image.title), Tone.DIM),))
    lines += [(Cell("needed by  ", Tone.DIM), Cell(plain(name))) for name in use.revisions]
    lines += [(Cell("container  ", Tone.DIM), Cell(plain(name))) for name in image.used_by]
    if use.unneeded:
        lines.append((Cell("nothing needs it: P removes it", Tone.WARN),))
    return [*lines, ()]


def _layers(layers: "Sequence[ImageLayer]") -> list[Sequence[Cell]]:
    whole = [layer for layer in layers if layer.size]
    lines: list[Sequence[Cell]] = [
        (Cell(f"{present.size(layer.size):>8}  "), Cell(plain(layer.made_by), Tone.DIM))
        for layer in whole
    ]
    total = sum(layer.size for layer in whole)
    if not lines:
        return []
    return [
        (Cell(f"{present.count(len(whole), 'layer')}, {present.size(total)}", Tone.DIM),),
        *lines,
    ]


def _text(lines: Sequence[Sequence[Cell]]) -> Content:
    return Content("\n").join(styled(line) for line in lines)
