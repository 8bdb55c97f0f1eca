"""The end of the wizard: the plan on Review, and its start."""

from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message

from backends.errors import PilothouseError, Refused
from backends.services.records import Plan
from backends.services.target_images import TargetImages
from console.app.services.image_plan import image_facts
from console.app.shell.screen import BaseScreen
from console.app.wizard import checks, files
from console.app.wizard.checks import Finding
from console.app.wizard.form import Form
from console.app.wizard.review import Review
from console.app.wizard.steps import Step


class Planning(BaseScreen):
    """Plans what the form describes, shows it, and runs it; the wizard's screen derives from it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "deploy", "deploy", id="wizard.deploy"),
    ]

    form: Form | None = None
    """None until the workspace has been asked."""
    plan: Plan | None = None
    """The plan on Review; None while there is none."""
    known: tuple[Finding, ...] = ()
    """What was found in the files and in the configs as wholes."""
    deployed: bool = False

    @dataclass
    class Planned(Message):
        """A plan was made, or there is a reason why not."""

        form: Form
        plan: Plan | PilothouseError

    def make_plan(self) -> None:
        """Plan what the form describes, or say what has to be put right before."""
        form, self.plan = self.form, None
        if form is None:
            return
        found = [finding for step in Step for finding in checks.of_step(form, step, self.known)]
        wrong = [finding for finding in found if finding.error]
        if wrong:
            self.query_one(Review).show_findings(wrong)
        else:
            self.query_one(Review).show_waiting()
            self._plan(form)

    @work(exclusive=True, group="plan", exit_on_error=False)
    async def _plan(self, form: Form) -> None:
        try:
            plan = await self.context.workspace.services.plan(form.request())
        except PilothouseError as error:
            self.post_message(self.Planned(form, error))
        else:
            self.post_message(self.Planned(form, plan))

    def on_planning_planned(self, event: Planned) -> None:
        """Show the plan, unless the form has changed since."""
        if event.form is not self.form:
            return
        if isinstance(event.plan, PilothouseError):
            self.query_one(Review).show_error(event.plan)
            return
        self.plan = event.plan
        self._show_plan(event.form, event.plan)
        self.refresh_bindings()
        if image_facts(event.plan):
            self._weigh(event.form, event.plan)

    @work(exclusive=True, group="weigh", exit_on_error=False)
    async def _weigh(self, form: Form, plan: Plan) -> None:
        """Ask the engine how large the image is, when it has it; the plan waits for no answer."""
        workspace, environment = self.context.workspace, plan.environment
        images = TargetImages(
            plan.spec.target,
            targets=workspace.targets,
            services=workspace.services,
            workspace=workspace.name,
        )
        try:
            size = await images.environment_size(environment.key if environment else "")
        except PilothouseError:
            return  # the plan's checks say why
        if size and self.plan is plan:
            self._show_plan(form, plan, size)

    def _show_plan(self, form: Form, plan: Plan, size: int | None = None) -> None:
        named = {plan.request.inference_file, plan.request.deployment_file}
        unsaved = [
            each
            for each in files.previews(form)
            if each.differs and (each.shown in named or each.step is Step.ENVIRONMENT)
        ]
        self.query_one(Review).show_plan(plan, unsaved, form.folder, size)

    def action_deploy(self) -> None:
        """Run the plan, and show the service as it comes up.

        Raises:
            Refused: the console is read-only, or a check forbids it.
        """
        plan = self.plan
        if plan is None:
            return
        self.context.guard.check(f"deploy {plan.spec.name}")
        if plan.blocked:
            first = plan.blocked[0]
            raise Refused(f"{first.name}: {first.detail}", fix=first.fix)
        self.context.runs.start(plan, self.context.workspace.services.run(plan))
        self.deployed = True
        self.app.pop_screen()
        self.go("service", plan.spec.name)
