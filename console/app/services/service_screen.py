"""One service: its state, and its views side by side as tabs."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from backends.errors import NotFound, PilothouseError
from backends.services.records import RunFailed, Service
from console.app.services.actions import ServiceActions
from console.app.services.answer_view import AnswerView
from console.app.services.config_pane import ConfigPane
from console.app.services.logs_pane import LogsPane
from console.app.services.pane import Pane
from console.app.services.present import head
from console.app.services.revisions_pane import RevisionsPane
from console.app.services.timeline_pane import TimelinePane
from console.app.shell.context import Context
from console.app.targets.checks import abilities
from console.app.widgets.contained import Trouble
from console.app.widgets.tones import styled

if TYPE_CHECKING:
    from console.app.services.request_pane import RequestPane

PATIENCE_SECONDS = 1.0
"""A target that takes longer to answer is waited for visibly."""
AGAIN_SECONDS = 3.0
"""Pause before a watch that ended is taken up again."""


class ServiceScreen(ServiceActions):
    """The view of one service; a pane is made when it is first shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket", "turn(1)", "next view", id="service.next", show=False),
        Binding("left_square_bracket", "turn(-1)", "previous view", id="service.back", show=False),
    ]
    DEFAULT_CSS = """
    ServiceScreen .head { height: 2; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    ServiceScreen .tabs {
        height: 1;
        padding: 0 1;
        text-wrap: nowrap;
        link-color: $foreground;
        link-style: none;
        link-style-hover: bold;
        link-color-hover: $accent;
        link-background-hover: $background;
    }
    ServiceScreen.-tall .tabs { margin-bottom: 1; }
    ServiceScreen.-short .head { height: 1; }
    ServiceScreen .panes { height: 1fr; }
    """

    @dataclass
    class Observed(Message):
        """The service was seen."""

        service: Service
        live: bool = False
        """Its target said so just now; otherwise it is what was stored."""

    @dataclass
    class Progressed(Message):
        """A run of this console said something."""

        failed: PilothouseError | None

        def can_replace(self, message: Message) -> bool:
            """What is drawn is where it stands, not each step."""
            return isinstance(message, type(self)) and self.failed is None

    @dataclass
    class Gone(Message):
        """The service was deleted, or never was."""

        missing: NotFound

    def __init__(self, context: Context, name: str, pane: str = "timeline") -> None:
        super().__init__(context)
        self.subject = name
        self.pane = pane
        self.service: Service | None = None
        self._live = False
        self._opened = time.monotonic()
        """The target has answered since this view was opened."""
        self._panes: dict[str, Pane] = {}

    def compose_body(self) -> ComposeResult:
        """Head, tabs, the panes."""
        yield Static(classes="head")
        yield Static(classes="tabs")
        yield Container(classes="panes")

    def on_mount(self) -> None:
        """Show what is known, then watch."""
        self.crumbs = ("services", self.subject)
        self.reload()
        self._watch()
        self._look_on()
        self.set_interval(10.0, self._grow_old)
        self.set_timer(PATIENCE_SECONDS, self._grow_old)

    # What comes in

    @work(exclusive=True, group="reload", exit_on_error=False)
    async def reload(self) -> None:
        """Read the service as last seen."""
        find = self.context.workspace.services.find
        try:
            self.post_message(self.Observed(await self.context.threads.run(find, self.subject)))
        except NotFound as missing:
            self.post_message(self.Gone(missing))

    @work(exclusive=True, group="watch", exit_on_error=False)
    async def _watch(self) -> None:
        """Pass on every observation, and begin again when the stream ends."""
        services = self.context.workspace.services
        while True:
            try:
                async for service in services.watch(self.subject, stored_first=False):
                    self.post_message(self.Observed(service, live=service.reachable))
                self._live = True  # it has answered: there is no such service there
            except NotFound:
                self._live = True  # `reload` says so
            except PilothouseError as error:
                self.app.post_message(Trouble(error))
            self.reload()  # it ends when the service is deleted, by whomever
            await asyncio.sleep(AGAIN_SECONDS)

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _look_on(self) -> None:
        run = self.context.runs.of(self.subject)
        if run is None or run.ended:
            return
        async for event in run.follow():
            error = event.error if isinstance(event, RunFailed) else None
            self.post_message(self.Progressed(error))

    async def on_service_screen_observed(self, message: Observed) -> None:
        """Draw it."""
        first = self.service is None
        self.service = message.service
        self.target = message.service.target
        self._live = self._live or message.live
        self._draw()
        for pane in self._panes.values():
            pane.service = message.service
        if first:
            await self.show_pane(self.subject, self.pane)
            self._learn(message.service.target)

    @work(exclusive=True, group="learn", exit_on_error=False)
    async def _learn(self, target: str) -> None:
        """Which keys do something for a service of this target."""
        await abilities(self.context, target)
        self.refresh_bindings()

    def on_service_screen_progressed(self, message: Progressed) -> None:
        """Draw where the run stands."""
        if message.failed is not None:
            self.app.post_message(Trouble(message.failed))
        pane = self._panes.get("timeline")
        if pane is not None:
            pane.refresh_view()

    def on_service_screen_gone(self, message: Gone) -> None:
        """There is nothing left to show."""
        if self.service is None and self.is_current:
            self.app.post_message(Trouble(message.missing))
        self.gone(self.subject)

    # What is shown

    def chosen(self) -> Service | None:
        """The service of this view."""
        return self.service

    async def show_pane(self, name: str, pane: str) -> None:  # noqa: ARG002  it is always this one
        """Switch to a view; a run that began meanwhile is followed."""
        self.pane = pane
        self._look_on()
        if self.service is None:
            return
        if pane not in self._panes:
            self._panes[pane] = PANES[pane]()(self.context, self.service)
            await self.query_one(".panes").mount(self._panes[pane])
        for key, other in self._panes.items():
            other.display = key == pane
        self._panes[pane].take_focus()
        self._draw()

    def gone(self, name: str) -> None:
        """Back to the list."""
        if self.service is not None:
            self.notify(f"{name} is deleted.", markup=False)
        if self.is_current:
            self.app.pop_screen()

    async def action_turn(self, step: int) -> None:
        """Show the next or the previous view."""
        order = list(PANES)
        await self.action_pane(order[(order.index(self.pane) + step) % len(order)])

    def copy_text(self) -> str:
        """What the view in front gives."""
        return self._panes[self.pane].copy_text() if self.pane in self._panes else ""

    def on_revisions_pane_roll_back_wanted(self, message: RevisionsPane.RollBackWanted) -> None:
        """Show the plan back to that revision."""
        self.action_roll_back(message.revision)

    async def on_revisions_pane_config_wanted(self, message: RevisionsPane.ConfigWanted) -> None:
        """Show what that revision was."""
        await self.action_pane("config")
        pane = cast("ConfigPane", self._panes["config"])
        pane.show_revision(message.revision)

    async def on_answer_view_log_wanted(self, message: AnswerView.LogWanted) -> None:
        """Show the log lines of that request."""
        await self.action_pane("logs")
        pane = cast("LogsPane", self._panes["logs"])
        pane.view.only(f"rid:{message.request_id[:8]}")

    async def on_timeline_pane_wanted(self, message: TimelinePane.Wanted) -> None:
        """Show the log at that moment."""
        await self.action_pane("logs")
        pane = cast("LogsPane", self._panes["logs"])
        pane.view.show_time(message.moment, error=message.error)

    async def action_copy_as(self, what: str) -> None:
        """Copy the request in the tester as `curl` or `command`."""
        await cast("RequestPane", self._panes["test"]).copy_as(what)

    def palette(self) -> Sequence[tuple[str, str, str]]:
        """What has no key of its own."""
        if self.pane != "test":
            return ()
        return (
            ("Copy as curl", "the request in the tester", "screen.copy_as('curl')"),
            ("Copy as a command line", "pilothouse service run", "screen.copy_as('command')"),
        )

    def _draw(self) -> None:
        if self.service is None:
            return
        first, second = head(self.service, self.context.clock(), live=self._seen_live())
        self.query_one(".head", Static).update(Content("\n").join((styled(first), styled(second))))
        self.query_one(".tabs", Static).update(_tabs(self.pane))

    def _seen_live(self) -> bool:
        """The target has answered or may still do so at once, or we are bringing it there."""
        run = self.context.runs.of(self.subject)
        early = time.monotonic() - self._opened < PATIENCE_SECONDS
        return self._live or early or (run is not None and not run.ended)

    def _grow_old(self) -> None:
        if self.service is not None and not (self._live and self.service.reachable):
            self._draw()


def _tabs(current: str) -> Content:
    return Content("   ").join(
        Content.styled(
            name.capitalize(), "bold $accent underline" if name == current else "$dim"
        ).stylize(Style.from_meta({"@click": f"screen.pane('{name}')"}))
        for name in PANES
    )


def _request() -> type[Pane]:
    from console.app.services.request_pane import RequestPane

    return RequestPane


def _metrics() -> type[Pane]:
    from console.app.services.metrics_pane import MetricsPane

    return MetricsPane


PANES: Mapping[str, Callable[[], type[Pane]]] = {
    "timeline": lambda: TimelinePane,
    "logs": lambda: LogsPane,
    "test": _request,
    "metrics": _metrics,
    "config": lambda: ConfigPane,
    "revisions": lambda: RevisionsPane,
}
"""Each view by name, in order; imported when it is first shown."""
