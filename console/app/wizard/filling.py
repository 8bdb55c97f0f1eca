"""The middle of the wizard: takes what is typed, and shows what follows from it at once."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from backends.services.targets import SELF_EVIDENT as DOCKER
from console.app.shell.context import Context
from console.app.widgets.field import FieldRow
from console.app.wizard import checks, files, looks
from console.app.wizard.fields import Fields
from console.app.wizard.form import Form
from console.app.wizard.planning import Planning
from console.app.wizard.preview import PreviewPane
from console.app.wizard.rail import Rail
from console.app.wizard.review import Review
from console.app.wizard.standing import standings
from console.app.wizard.steps import SELF_EVIDENT, Step

Read = Callable[[Form], Form]
READERS: dict[str, tuple[Read, ...]] = {
    "folder": (files.read_inference, files.read_deployment),
    "inference_file": (files.read_inference,),
    "deployment_file": (files.read_deployment,),
    "source_directory": (files.read_conda,),
    "conda_file": (files.read_conda,),
}
"""What is read again once a field that names a file is left."""
STEPS = tuple(Step)


class Filling(Planning):
    """Holds the form, and keeps rail, fields and files up to date with it.

    All that changes the form is a handler of this screen, so that one ends before the next.
    """

    @dataclass
    class Looked(Message):
        """Something was found out about a field's value."""

        name: str
        value: str
        """The value that was asked about."""
        note: str
        images: bool = False

    @dataclass
    class Stepped(Message):
        """Another step is asked for, so many on."""

        by: int

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.step = Step.MODEL
        self.left: set[Step] = set()
        """Steps that were left once: what is missing there is told."""
        self.looked: dict[str, str] = {}
        """What registry and target said about a field's value, by the field's name."""
        self._unread: set[str] = set()

    def compose_body(self) -> ComposeResult:
        """Rail, fields or review, and the file."""
        with Horizontal(id="wizard"):
            yield Rail()
            with Vertical(id="middle"):
                yield Fields(self.context.threads)
                yield Review()
            yield PreviewPane()

    async def on_field_row_changed(self, event: FieldRow.Changed) -> None:
        """Take the text; what follows from it shows at once."""
        if self.form is not None:
            self._unread |= {event.name} & READERS.keys()
            await self.take(self.form.typed(**{event.name: event.text}))
            if event.name == "target":
                self.look_at_target()
            if event.name == "models":
                self.look_at_models()

    async def on_field_row_left(self, event: FieldRow.Left) -> None:
        """Read the file that a field names, once it is named."""
        if event.name in self._unread:
            await self.read_files()

    async def on_field_row_submitted(self, event: FieldRow.Submitted) -> None:
        """`enter` goes on: to the next field, after the last one to the next step."""
        if event.name == self.query_one(Fields).names()[-1]:
            self.post_message(self.Stepped(1))
        else:
            self.focus_next()

    async def take(self, form: Form) -> None:
        """Show another form: rows anew only where other fields belong to the step."""
        before, self.form = self.form, form
        fields = self.query_one(Fields)
        if self.step is Step.REVIEW:
            if form is not before:
                self.make_plan()
        else:
            if fields.names() != tuple(row.name for row in form.fields(self.step)):
                await fields.show(form, self.step, fields.focused_field())
            fields.refill(form)
        self.draw()

    async def read_files(self) -> None:
        """Read again what was named anew since the last time."""
        if self.form is None:
            return
        names, self._unread = self._unread, set()
        form = self.form
        for read in dict.fromkeys(
            read for name in READERS if name in names for read in READERS[name]
        ):
            form = await self.context.threads.run(read, form)
        self.known = checks.of_files(form)
        await self.take(form)

    @work(exclusive=True, group="target", exit_on_error=False)
    async def look_at_target(self) -> None:
        """Ask the chosen target what it is; its answer is a note, its silence too."""
        form = self.form
        if form is None:
            return
        name = form.get("target")
        if form.target is None and name != SELF_EVIDENT:
            return
        self.post_message(self.Looked("target", name, "asking …", form.images))
        if form.target is None:
            images, note = await looks.at_kind(self.context, DOCKER)
        else:
            images, note = await looks.at_target(self.context, name)
        self.post_message(self.Looked("target", name, note, images))

    @work(exclusive=True, group="models", exit_on_error=False)
    async def look_at_models(self) -> None:
        """Ask the registry about the models that were named."""
        if self.form is not None:
            note = await looks.at_models(self.context, self.form.models)
            self.post_message(self.Looked("models", self.form.get("models"), note))

    async def on_filling_looked(self, event: Looked) -> None:
        """Show what was found out, unless the field says something else by now."""
        if self.form is None or self.form.get(event.name) != event.value:
            return
        self.looked[event.name] = event.note
        if event.name == "target":
            self.target = event.value
        if event.name == "target" and event.images is not self.form.images:
            await self.take(replace(self.form, images=event.images))
        else:
            self.draw()

    async def check(self) -> None:
        """Check the configs as wholes; what was typed stays whatever comes out."""
        if self.form is not None:
            whole = await self.context.threads.run(checks.of_whole, self.form)
            self.known = (*checks.of_files(self.form), *whole)

    def draw(self) -> None:
        """Bring rail, errors, notes and the file up to date with the form."""
        form = self.form
        if form is None:
            return
        rail = self.query_one(Rail)
        rail.standings, rail.current = standings(form, self.known), self.step
        if self.step is not Step.REVIEW:
            found = checks.of_step(form, self.step, self.known)
            notes = looks.notes(form) | self.looked
            self.query_one(Fields).mark(found, notes, left=self.step in self.left)
        self.query_one(PreviewPane).show(looks.previews_for(form, self.step))
        self.summary = f"step {STEPS.index(self.step) + 1} of {len(STEPS)}"
