"""Timeline: what happened to a service, live while it is deployed; over it why it failed."""

from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from backends.services.records import StageTiming, Transition
from console.app.runs import Run
from console.app.services import build, timeline
from console.app.services.pane import Pane
from console.app.services.present import Line, failed, failure
from console.app.shell.dialog import Notice
from console.app.widgets.table import Table
from console.app.widgets.tones import styled
from console.present import Cell

AROUND = 8
"""Lines of a screen that are neither steps nor a build."""


class FailureCard(VerticalScroll, can_focus=True):
    """What failed, why, and what to try; `enter` goes to the log at that moment."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "log at that moment", id="failure.open"),
        Binding("j", "scroll_down", "down", id="failure.down", show=False),
        Binding("k", "scroll_up", "up", id="failure.up", show=False),
    ]
    DEFAULT_CSS = """
    FailureCard {
        height: auto;
        max-height: 70%;
        margin: 0 1;
        padding: 0 1;
        background: $surface;
        border-left: outer $bad;
        display: none;
    }
    FailureCard.-shown { display: block; }
    """

    class Opened(Message):
        """The log at that moment is wanted."""

    def compose(self) -> ComposeResult:
        """The text of the card."""
        yield Static()

    def action_open(self) -> None:
        """Ask for the log."""
        self.post_message(self.Opened())


class TimelinePane(Pane):
    """The failure card when there is something to explain, then every step."""

    @dataclass
    class Wanted(Message):
        """The log at this moment is wanted."""

        moment: float
        error: bool = False
        """Its first error is meant."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "output", "output", id="timeline.output", show=False),
    ]
    DEFAULT_CSS = """
    TimelinePane .build { height: auto; max-height: 60%; padding: 0 1; display: none; }
    TimelinePane .build.-shown { display: block; }
    """

    _transitions: tuple[Transition, ...] = ()
    _stages: tuple[StageTiming, ...] = ()
    _ticking: Timer | None = None

    def compose(self) -> ComposeResult:
        """Card, table."""
        yield FailureCard()
        yield Table(timeline.COLUMNS, empty="Nothing has happened yet.")
        yield Static(classes="build")

    def refresh_view(self) -> None:
        """Read what happened."""
        self._draw_card()
        self._read()

    def take_focus(self) -> None:
        """To the card when there is one, else to the steps."""
        card = self.query_one(FailureCard)
        (card if card.has_class("-shown") else self.query_one(Table)).focus()

    def copy_text(self) -> str:
        """The failure as text, else the address."""
        if self.service and failed(self.service):
            return "\n".join("".join(c.text for c in line) for line in failure(self.service))
        return (self.service.scoring_uri or "") if self.service else ""

    def tick(self) -> None:
        """Draw the stage that is under way with the time it has taken so far."""
        run = self.context.runs.of(self.name_of_service)
        live = timeline.live_stage(run.events) if run and not run.ended else None
        if live is None and self._ticking:
            self._ticking.stop()
            self._ticking = None
        elif live and self._ticking is None:
            self._ticking = self.set_interval(1.0, self.tick)
        now = self.context.clock()
        found = timeline.steps(self._transitions, self._stages, live, now)
        self._draw_build(run, now)
        table = self.query_one(Table)
        on_top = table.cursor == 0
        table.show(timeline.rows(found, now))
        if on_top:
            table.cursor = 0  # what is new stays in view

    def action_output(self) -> None:
        """All that the build has said."""
        run = self.context.runs.of(self.name_of_service)
        said = build.output(run.events) if run else []
        if said:
            self.app.push_screen(Notice(f"Output of the build of {self.name_of_service}", said))

    def _draw_build(self, run: Run | None, now: float) -> None:
        """Steps and last lines of a build that is under way or has failed."""
        shown = self.query_one(".build", Static)
        room = max((self.screen.size.height - AROUND) * 3 // 5, 4)
        lines = build.lines(run.events, now, room) if run else []
        shown.set_class(bool(lines), "-shown")
        shown.update(Content("\n").join(styled(line) for line in lines))

    @work(exclusive=True, group="timeline", exit_on_error=False)
    async def _read(self) -> None:
        run, services = self.context.threads.run, self.context.workspace.services
        self._transitions = await run(services.timeline, self.name_of_service)
        self._stages = await run(services.stages, self.name_of_service)
        self.tick()

    def _draw_card(self) -> None:
        card, service = self.query_one(FailureCard), self.service
        troubled = service is not None and failed(service)
        card.set_class(troubled, "-shown")
        if troubled and service is not None:
            text = Content("\n").join(styled(_indented(line)) for line in failure(service))
            card.query_one(Static).update(text)
        elif card.has_focus:
            self.query_one(Table).focus()

    def on_failure_card_opened(self) -> None:
        """Go to the log where it failed."""
        troubled = [each.at for each in self._transitions if each.evidence.stage]
        seen = self.service.seen if self.service else 0.0
        self.post_message(self.Wanted(max(troubled, default=seen) - 2.0, error=True))

    def on_table_opened(self, event: Table.Opened) -> None:
        """Go to the log at that step."""
        event.stop()
        self.post_message(self.Wanted(timeline.moment(event.id)))


def _indented(line: Line) -> Line:
    """Leading blanks made such that wrapping leaves them."""
    if not line:
        return line
    text = line[0].text
    blanks = len(text) - len(text.lstrip(" "))
    return (Cell("\u00a0" * blanks + text[blanks:], line[0].tone), *line[1:])
