"""The deployment wizard: steps, fields, the files as they will be, the plan, its start."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from backends.errors import PilothouseError
from backends.services.drafts import Draft, Drafts
from backends.services.records import DeployRequest
from console.app.shell import errors
from console.app.shell.context import Context
from console.app.shell.dialog import Confirm
from console.app.widgets.field import FieldRow
from console.app.wizard import checks, files, looks, start
from console.app.wizard.fields import Fields
from console.app.wizard.files import Preview
from console.app.wizard.form import Form
from console.app.wizard.planning import Planning
from console.app.wizard.preview import PreviewPane, state
from console.app.wizard.rail import Rail
from console.app.wizard.resume import ResumeDialog
from console.app.wizard.review import Review, line
from console.app.wizard.standing import standings
from console.app.wizard.steps import Step

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


class WizardScreen(Planning):
    """Fills a `DeployRequest` step by step, and starts what it describes.

    Args:
        context: The console's.
        request: What is known already: a model, the configs of a service that runs.
    """

    MODE: ClassVar[str] = "models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown,ctrl+n", "step(1)", "next", id="wizard.next", priority=True),
        Binding("pageup,ctrl+b", "step(-1)", "back", id="wizard.previous", priority=True),
        Binding("ctrl+r", "review", "review", id="wizard.review", priority=True),
        Binding("ctrl+s", "save", "save", id="wizard.save", priority=True),
        Binding("f3", "preview", "file", id="wizard.preview"),
        Binding("escape", "back", "leave", id="view.back"),
    ]
    CSS_PATH = "wizard.tcss"

    def __init__(self, context: Context, request: DeployRequest) -> None:
        super().__init__(context)
        self.step = Step.MODEL
        self._request = request
        self._opened: Form | None = None
        self._subject = ""
        self._left: set[Step] = set()
        self._unread: set[str] = set()
        self.looked: dict[str, str] = {}
        """What registry and target said about a field's value, by the field's name."""
        self._drafts = Drafts(context.workspace.root)
        self.crumbs = ("deploy", *request.models[:1])

    def compose_body(self) -> ComposeResult:
        """Rail, fields or review, and the file."""
        with Horizontal(id="wizard"):
            yield Rail()
            with Vertical(id="middle"):
                yield Fields(self.context.threads)
                yield Review()
            yield PreviewPane()

    def on_mount(self) -> None:
        """Ask the workspace off the loop; the frame is there at once."""
        super().on_mount()
        self.query_one(Review).display = False
        self._begin()

    def on_unmount(self) -> None:
        """Keep what was typed, however the wizard was left."""
        self._keep_draft()

    @work(exclusive=True, group="begin", exit_on_error=False)
    async def _begin(self) -> None:
        run, workspace = self.context.threads.run, self.context.workspace
        try:
            form = await run(start.begin, workspace, self._request, Path.cwd())
        except PilothouseError as error:
            self.app.pop_screen()
            errors.show(self.app, error)
            return
        self._opened, self._subject = form, form.models[0] if form.models else ""
        self.crumbs = ("deploy", self._subject) if self._subject else ("deploy",)
        draft = await run(self._drafts.find, self._subject)
        if draft is not None:
            asked = ResumeDialog(draft, self.context.clock())
            if await self.app.push_screen_wait(asked):
                form = await run(start.resume, form, draft)
                self.step = Step(draft.step) if draft.step in set(Step) else Step.MODEL
        self.known = checks.of_files(form)
        self.form = form
        await self._show_step(self.step)
        self._look_at_target()
        self._look_at_models()

    # — fields —

    async def on_field_row_changed(self, event: FieldRow.Changed) -> None:
        """Take the text; what follows from it shows at once."""
        if self.form is not None:
            self._unread |= {event.name} & READERS.keys()
            await self._take(self.form.typed(**{event.name: event.text}))
            if event.name == "target":
                self._look_at_target()
            if event.name == "models":
                self._look_at_models()

    async def on_field_row_left(self, event: FieldRow.Left) -> None:
        """Read the file that a field names, once it is named."""
        if event.name in self._unread:
            await self._read_files()

    async def on_field_row_submitted(self, event: FieldRow.Submitted) -> None:
        """`enter` goes on: to the next field, after the last one to the next step."""
        if event.name == self.query_one(Fields).names()[-1]:
            await self.action_step(1)
        else:
            self.focus_next()

    async def _take(self, form: Form) -> None:
        """Show another form: rows anew only where other fields belong to the step."""
        self.form = form
        fields = self.query_one(Fields)
        if self.step is not Step.REVIEW:
            if fields.names() != tuple(row.name for row in form.fields(self.step)):
                await fields.show(form, self.step, fields.focused_field())
            fields.refill(form)
        self._draw()

    async def _read_files(self) -> None:
        if self.form is None:
            return
        names, self._unread = self._unread, set()
        form = self.form
        for read in dict.fromkeys(
            read for name in READERS if name in names for read in READERS[name]
        ):
            form = await self.context.threads.run(read, form)
        self.known = checks.of_files(form)
        await self._take(form)

    @work(exclusive=True, group="target", exit_on_error=False)
    async def _look_at_target(self) -> None:
        """Ask the chosen target what it is; its answer is a note, its silence too."""
        form = self.form
        if form is None or form.target is None:
            return
        self.looked["target"] = "asking …"
        self._draw()
        name = form.target.name
        images, self.looked["target"] = await looks.at_target(self.context, name)
        if self.form is not None and self.form.get("target") == name:
            self.target = name
            await self._take(replace(self.form, images=images))

    @work(exclusive=True, group="models", exit_on_error=False)
    async def _look_at_models(self) -> None:
        """Ask the registry about the models that were named."""
        if self.form is not None:
            self.looked["models"] = await looks.at_models(self.context, self.form.models)
            self._draw()

    # — steps —

    async def action_step(self, by: int) -> None:
        """Go to the next step, or back."""
        place = STEPS.index(self.step) + by
        if 0 <= place < len(STEPS):
            await self._show_step(STEPS[place])

    async def action_review(self) -> None:
        """Go to the review at once."""
        await self._show_step(Step.REVIEW)

    async def on_rail_chosen(self, event: Rail.Chosen) -> None:
        """Go to the step that was clicked."""
        await self._show_step(event.step)

    async def _show_step(self, step: Step) -> None:
        if self.form is None:
            return
        if step is not self.step:
            self._left.add(self.step)
            await self._read_files()
            await self._check()
        self.step = step
        review = step is Step.REVIEW
        self.query_one(Review).display = review
        self.query_one(Fields).display = not review
        self._draw()
        if review:
            await self.query_one(Fields).remove_children()
            self.query_one(Review).focus()
            self.make_plan()
        else:
            await self.query_one(Fields).show(self.form, step)
            self._draw()
        self.refresh_bindings()

    async def _check(self) -> None:
        """Check the configs as wholes; what was typed stays whatever comes out."""
        if self.form is not None:
            whole = await self.context.threads.run(checks.of_whole, self.form)
            self.known = (*checks.of_files(self.form), *whole)

    def _draw(self) -> None:
        """Bring rail, errors, notes and the file up to date with the form."""
        form = self.form
        if form is None:
            return
        rail = self.query_one(Rail)
        rail.standings, rail.current = standings(form, self.known), self.step
        if self.step is not Step.REVIEW:
            found = checks.of_step(form, self.step, self.known)
            notes = looks.notes(form) | self.looked
            self.query_one(Fields).mark(found, notes, left=self.step in self._left)
        self.query_one(PreviewPane).show(looks.previews_for(form, self.step))
        self.summary = f"step {STEPS.index(self.step) + 1} of {len(STEPS)}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`enter` deploys what Review shows; the last step has no next, the first none before."""
        if action == "deploy":
            return self.step is Step.REVIEW and self.plan is not None
        if action == "step":
            return self.step is not (Step.REVIEW if parameters == (1,) else Step.MODEL)
        if action == "preview":
            return not self.has_class("-wide")
        return super().check_action(action, parameters)

    # — files and drafts —

    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_save(self) -> None:
        """Write the files that differ from the disk; asks before one is overwritten.

        Raises:
            Refused: the console is read-only, or what would be written has errors.
        """
        self.context.guard.check("write config files")
        await self._read_files()
        if self.form is None:
            return
        checks.refuse_unwritable(self.form)
        changed = [each for each in files.previews(self.form) if each.differs]
        there = [each for each in changed if each.before is not None]
        if there and not await self.app.push_screen_wait(
            Confirm(
                f"Overwrite {', '.join(each.shown for each in there)}?",
                [f"{each.path}: {state(each)}" for each in there],
                verb="Overwrite",
            )
        ):
            return
        await self._write(changed)

    async def _write(self, changed: Sequence[Preview]) -> None:
        form = self.form
        if form is None:
            return
        for preview in changed:
            await self.context.threads.run(files.save, preview)
        typed = form.values
        for read in (files.read_inference, files.read_deployment, files.read_conda):
            form = await self.context.threads.run(read, form)
        self.form = form.typed(**typed)
        await self._check()
        names = ", ".join(each.shown for each in changed)
        errors.notice(self.app, f"Written: {names}." if names else "All files are on disk.")
        self._draw()
        if self.step is Step.REVIEW:
            self.make_plan()

    def action_preview(self) -> None:
        """Show the file in place of the fields, where there is no room for both."""
        self.toggle_class("-preview")

    def copy_text(self) -> str:
        """The command on Review, else the file as it stands."""
        if self.step is Step.REVIEW and self.plan is not None:
            return line(self.plan, self.form.folder) if self.form else ""
        return looks.previews_for(self.form, self.step)[0].text if self.form else ""

    def action_back(self) -> None:
        """Leave; what was typed is kept as a draft."""
        if self._changed():
            errors.notice(self.app, "What you typed is kept as a draft.")
        super().action_back()

    def _changed(self) -> dict[str, str]:
        """The texts that are not as the wizard opened with."""
        if self.form is None or self._opened is None or self.deployed:
            return {}
        before = self._opened.values
        return {k: text for k, text in self.form.values.items() if text != before.get(k, "")}

    def _keep_draft(self) -> None:
        values = self._changed()
        if values:
            self._drafts.keep(
                Draft(
                    subject=self._subject,
                    step=self.step,
                    values=values,
                    saved=self.context.clock(),
                )
            )
        elif self.form is not None:
            self._drafts.discard(self._subject)
