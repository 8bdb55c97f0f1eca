"""What can be done to a service, the same from the list and from its own view."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import ClassVar, TypeVar

from textual import work
from textual.binding import Binding, BindingType

from backends import filters
from backends.errors import InvalidInput, Unsupported, WaitTimeout
from backends.registry.records import ModelRow
from backends.services.command import service_command
from backends.services.records import DeployRequest, Plan, Service
from backends.targets.records import Capabilities, ServiceState
from console.app.services.dialogs import LineDialog, PlanDialog, VersionDialog
from console.app.shell.dialog import Confirm
from console.app.shell.screen import BaseScreen

Result = TypeVar("Result")

PATIENCE = 60.0
"""Seconds that the target may take for an answer."""
MOST_VERSIONS = 200

STARTABLE = frozenset({ServiceState.STOPPED, ServiceState.FAILED})
"""States from which a start may bring a service back."""


class ServiceActions(BaseScreen):
    """Base of the screens on services: the keys, each asking before it changes anything."""

    MODE: ClassVar[str] = "services"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "pane('logs')", "logs", id="services.logs"),
        Binding("t", "pane('test')", "test", id="services.test"),
        Binding("u", "update", "update", id="services.update"),
        Binding("b", "roll_back", "roll back", id="services.roll_back"),
        Binding("s", "stop_or_start", "stop", id="services.stop"),
        Binding("x", "shell", "shell", id="services.shell"),
        Binding("r", "scale", "replicas", id="services.scale"),
        Binding("X", "delete", "delete", id="services.delete"),
        Binding("e", "pane('timeline')", "timeline", id="services.timeline"),
        Binding("m", "pane('metrics')", "metrics", id="services.metrics"),
        Binding("c", "pane('config')", "config", id="services.config"),
        Binding("v", "pane('revisions')", "revisions", id="services.revisions"),
    ]

    NEEDS: ClassVar[Mapping[str, str]] = {"shell": "exec", "scale": "scale"}
    """Actions that a target has to be able to do: its capability."""

    def chosen(self) -> Service | None:
        """The service that keys act upon."""
        return None

    def unable(self, action: str) -> bool:
        """Whether the target of the chosen service is not known to be able to do that."""
        need = self.NEEDS.get(action)
        return bool(need) and not getattr(self._able(), need or "", False)

    def _able(self) -> Capabilities | None:
        service = self.chosen()
        return self.context.able.get(service.target) if service else None

    async def show_pane(self, name: str, pane: str) -> None:
        """Show a view of a service: timeline, logs, test, metrics, config, revisions."""

    def acted(self) -> None:
        """Something was done to a service."""
        self.reload()

    def gone(self, name: str) -> None:
        """A service was deleted."""

    async def action_pane(self, pane: str) -> None:
        """Show a view of the chosen service."""
        if service := self.chosen():
            await self.show_pane(service.name, pane)

    def action_update(self) -> None:
        """Choose a model version, see the plan, carry it out."""
        if service := self.chosen():
            self.context.guard.check(f"update {service.name}")
            self._update(service)

    def action_roll_back(self, revision: int | None = None) -> None:
        """See the plan to apply an earlier revision, carry it out."""
        if service := self.chosen():
            self.context.guard.check(f"roll back {service.name}")
            self._roll_back(service, revision)

    def action_stop_or_start(self) -> None:
        """Stop a service, or start one that is stopped or failed."""
        if service := self.chosen():
            verb = "start" if service.state in STARTABLE else "stop"
            self.context.guard.check(f"{verb} {service.name}")
            self._stop_or_start(service, verb)

    def action_shell(self) -> None:
        """Open a shell beside the service."""
        if service := self.chosen():
            self._refuse_unable(service, "shell", "runs no shell beside a service")
            self.context.guard.check(f"open a shell in {service.name}")
            self._shell(service)

    def action_scale(self) -> None:
        """Ask how many replicas are to run, and have so many."""
        if service := self.chosen():
            self._refuse_unable(service, "scale", "runs one replica of a service")
            self.context.guard.check(f"scale {service.name}")
            self._scale(service)

    def action_delete(self) -> None:
        """Delete a service once its name was typed."""
        if service := self.chosen():
            self.context.guard.check(f"delete {service.name}")
            self._delete(service)

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _update(self, service: Service) -> None:
        rows = await self.context.threads.run(self._versions, service)
        carried = [model.id for model in service.spec.models]
        title = f"Update {service.name} to which version?"
        dialog = VersionDialog(title, rows, carried, self.context.clock())
        model = await self.app.push_screen_wait(dialog)
        if model:
            models = _with(carried, model)
            services = self.context.workspace.services
            request = DeployRequest(name=service.name, models=models)
            plan = await _within(services.plan_update(service.name, request), "plan the update")
            await self._carry_out(plan, f"Update {service.name} to r{plan.spec.revision}?")

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _roll_back(self, service: Service, revision: int | None) -> None:
        services = self.context.workspace.services
        plan = await _within(services.plan_rollback(service.name, revision), "plan the rollback")
        note = next((note for note in plan.notes if note.startswith("rollback")), "roll back")
        await self._carry_out(plan, f"{service.name}: {note}, as r{plan.spec.revision}?")

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _stop_or_start(self, service: Service, verb: str) -> None:
        name, services = service.name, self.context.workspace.services
        means = {
            "stop": "It answers no requests until it is started again; its files and address stay.",
            "start": f"r{service.spec.revision} comes up again on {service.target}.",
        }
        dialog = Confirm(
            f"{verb.capitalize()} {name}?",
            (means[verb],),
            verb=verb.capitalize(),
            equivalent=service_command(verb, name, self.context.workspace.name),
        )
        if await self.app.push_screen_wait(dialog):
            done = services.stop(name) if verb == "stop" else services.start(name)
            await _within(done, f"{verb} {name}")
            self.acted()

    def _refuse_unable(self, service: Service, action: str, what: str) -> None:
        if self.unable(action):
            raise Unsupported(
                f"{service.name}: the target {service.target} {what}.",
                fix="3 (Targets) shows what each target can do.",
            )

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _shell(self, service: Service) -> None:
        from console.app.services.shell import open_shell

        said = await open_shell(self.app, self.context.workspace.services, service.name)
        if said:
            self.notify(said, markup=False)

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _scale(self, service: Service) -> None:
        name, services = service.name, self.context.workspace.services
        dialog = LineDialog(
            f"Replicas of {name}",
            f"How many are to run? {service.ready} of {service.wanted} answer now.",
            str(service.wanted),
            "Scale",
            equivalent=service_command(
                "scale", name, self.context.workspace.name, "--replicas", "N"
            ),
        )
        if text := await self.app.push_screen_wait(dialog):
            if not text.isdecimal():
                raise InvalidInput(f"'{text}' is no number of replicas.", fix="Type 1 or more.")
            await _within(services.scale(name, int(text)), f"scale {name}")
            self.acted()

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _delete(self, service: Service) -> None:
        name = service.name
        dialog = Confirm(
            f"Delete {name}?",
            _consequences(service),
            verb="Delete",
            typed=name,
            equivalent=service_command("delete", name, self.context.workspace.name),
        )
        if await self.app.push_screen_wait(dialog):
            await _within(self.context.workspace.services.delete(name), f"delete {name}")
            self.gone(name)

    async def _carry_out(self, plan: Plan, title: str) -> None:
        if await self.app.push_screen_wait(PlanDialog(plan, title)):
            self.context.runs.start(plan, self.context.workspace.services.run(plan))
            await self.show_pane(plan.spec.name, "timeline")

    def _versions(self, service: Service) -> list[ModelRow]:
        """Versions of the models that it carries, newest first, then the latest of all others."""
        registry = self.context.workspace.registry
        names = dict.fromkeys(model.name for model in service.spec.models if model.version)
        same = [row for name in names for row in registry.versions(name)]
        every = registry.search(filters.parse(""), latest=True, offset=0, limit=MOST_VERSIONS)
        return [*same, *(row for row in every if row.name not in names)]


def _with(carried: list[str], model: str) -> tuple[str, ...]:
    """The models with one version replaced; a single other model takes the place of all."""
    name = model.rpartition(":")[0]
    names = [one.rpartition(":")[0] for one in carried]
    if name not in names:
        return (model,)
    return tuple(model if one == name else old for one, old in zip(names, carried, strict=True))


def _consequences(service: Service) -> tuple[str, ...]:
    if service.serving:
        serves = f"r{service.serving} answers requests now, {service.ready}/{service.wanted} ready"
        return (f"{serves}, at {service.scoring_uri}.", "It goes away with all its revisions.")
    return ("It answers no requests now. It goes away with all its revisions.",)


async def _within(work: Awaitable[Result], what: str) -> Result:
    """The result, if it comes in time.

    Raises:
        WaitTimeout: it did not.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            return await work
    except TimeoutError:
        raise WaitTimeout(
            f"Could not {what}: no answer within {PATIENCE:g} s.",
            fix="The target may be slow or gone; see Targets.",
        ) from None
