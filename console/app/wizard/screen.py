"""The deployment wizard: steps, fields, the files as they will be, the plan, its start."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message

from backends.errors import PilothouseError
from backends.services.drafts import Draft, Drafts
from backends.services.records import DeployRequest
from console.app.shell import errors
from console.app.shell.context import Context
from console.app.wizard import checks, looks, start
from console.app.wizard.fields import Fields
from console.app.wizard.filling import STEPS, Filling
from console.app.wizard.form import Form
from console.app.wizard.rail import Rail
from console.app.wizard.resume import ResumeDialog
from console.app.wizard.review import Review, line
from console.app.wizard.saving import Saving
from console.app.wizard.steps import Step


class WizardScreen(Saving):
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
        Binding("f3", "preview", "file", id="wizard.preview"),
        Binding("escape", "back", "leave", id="view.back"),
        Binding("f1", "help_keys", "keys", id="wizard.keys"),
    ]
    CSS_PATH = "wizard.tcss"

    @dataclass
    class Began(Message):
        """The workspace has answered; the form can be filled in."""

        form: Form
        step: Step

    def __init__(self, context: Context, request: DeployRequest) -> None:
        super().__init__(context)
        self._request = request
        self._opened: Form | None = None
        self._subject = ""
        self._drafts = Drafts(context.workspace.root)
        self.crumbs = ("deploy", *request.models[:1])

    def on_mount(self) -> None:
        """Ask the workspace off the loop; the frame is there at once."""
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
        draft, step = await run(self._drafts.find, self._subject), Step.MODEL
        if draft is not None:
            asked = ResumeDialog(draft, self.context.clock())
            if await self.app.push_screen_wait(asked):
                form = await run(start.resume, form, draft)
                step = Step(draft.step) if draft.step in set(Step) else Step.MODEL
        self.post_message(self.Began(form, step))

    async def on_wizard_screen_began(self, event: Began) -> None:
        """Show the form."""
        self.form, self.step = event.form, event.step
        self.known = checks.of_files(event.form)
        await self._show_step(event.step)
        self.look_at_target()
        self.look_at_models()

    # — steps —

    def action_step(self, by: int) -> None:
        """Go to the next step, or back, once what was typed before is taken."""
        self.post_message(self.Stepped(by))

    def action_choose(self, step: str) -> None:
        """Go to a step by its name."""
        self.post_message(Rail.Chosen(Step(step)))

    def palette(self) -> Sequence[tuple[str, str, str]]:
        """The steps."""
        return [(f"Step: {step.label}", "", f"screen.choose('{step}')") for step in Step]

    def action_review(self) -> None:
        """Go to the review at once."""
        self.action_choose(Step.REVIEW)

    async def on_filling_stepped(self, event: Filling.Stepped) -> None:
        """Go so many steps on."""
        place = STEPS.index(self.step) + event.by
        if 0 <= place < len(STEPS):
            await self._show_step(STEPS[place])

    async def on_rail_chosen(self, event: Rail.Chosen) -> None:
        """Go to the step that was clicked."""
        await self._show_step(event.step)

    async def _show_step(self, step: Step) -> None:
        if self.form is None:
            return
        if step is not self.step:
            self.left.add(self.step)
            await self.read_files()
            await self.check()
        self.step, self.plan = step, None
        review = step is Step.REVIEW
        self.query_one(Review).display = review
        self.query_one(Fields).display = not review
        self.draw()
        if review:
            await self.query_one(Fields).remove_children()
            self.query_one(Review).focus()
            self.make_plan()
        else:
            await self.query_one(Fields).show(self.form, step)
            self.draw()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`enter` deploys what Review shows; the last step has no next, the first none before."""
        if action == "deploy":
            return self.step is Step.REVIEW and self.plan is not None
        if action == "step":
            return self.step is not (Step.REVIEW if parameters == (1,) else Step.MODEL)
        if action == "preview":
            return not self.has_class("-wide")
        return super().check_action(action, parameters)

    # — the way out —

    async def action_help_keys(self) -> None:
        """Show the keys, also while `?` is a letter of a field."""
        await self.app.run_action("app.help_keys")

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
