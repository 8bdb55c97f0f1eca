"""The Textual app: four modes over one workspace, and what is the same in all of them."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import NoColor
from textual.screen import Screen

from backends.errors import PilothouseError
from console import theming
from console.app.routes import Routes
from console.app.shell import commands, errors, leaving
from console.app.shell.context import Context, Guard
from console.app.shell.header import MODES
from console.app.shell.screen import BaseScreen
from console.app.shell.threads import Threads
from console.app.widgets.contained import Contained, Trouble
from console.clock import Clock, system_clock
from console.printable import printable
from console.settings import Settings, load

if TYPE_CHECKING:
    from backends.workspace import Workspace

POLL_SECONDS = 1.0
"""How often the workspace is looked at for changes that other processes made."""
LOOKS_OF_AN_AGE = 60
"""After so many looks a view is drawn anew though nothing changed: its ages have."""
TARGETS_SECONDS = 30.0
"""How often targets are asked whether they answer."""


class PilothouseApp(Contained, Routes):
    """The console on one workspace.

    Args:
        workspace: Open; the caller closes it.
        settings: What the person chose.
        clock: Seconds since the epoch, for ages.
        start: The mode shown first.
        ask_targets: Whether targets are asked, now and then, if they answer.
    """

    TITLE = "pilothouse"
    CSS_PATH: ClassVar = ["app.tcss", "models/screen.tcss"]  # parsed once, before the first paint
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"mode('{mode}')", title, id=f"app.{mode}", show=False)
            for key, mode, title in MODES
        ),
        Binding("colon", "command_line", "command", id="app.command"),
        Binding("question_mark", "help_keys", "keys", id="app.keys"),
        Binding("ctrl+p", "command_palette", "everything", id="app.palette", show=False),
        Binding("y", "copy", "copy", id="app.copy", show=False),
        Binding("exclamation_mark", "read_only", "read-only", id="app.read_only", show=False),
        Binding("q", "leave", "back, quit", id="app.leave", show=False),
    ]

    def __init__(
        self,
        workspace: "Workspace",
        *,
        settings: Settings | None = None,
        clock: Clock = system_clock,
        start: str = "models",
        ask_targets: bool = False,
    ) -> None:
        # the first mode is shown without a switch, which would cost a frame
        self.DEFAULT_MODE = start  # type: ignore[misc]  # Textual reads it from the instance
        super().__init__()
        settings = settings or Settings()
        self.context = Context(
            workspace=workspace, settings=settings, clock=clock, guard=Guard(settings.read_only)
        )
        self.hurry: Callable[[int], None] = lambda _code: None
        """Starts the deadline of the way out; none inside another program, such as a test."""
        self.faults: list[BaseException] = []
        """Errors that are ours: caught, logged, shown."""
        self._begun = False
        self._ask_targets = ask_targets
        self._looks = 0
        self._history: list[str] = []
        self._stamp: tuple[int, int] | None = None
        self._stamper = Threads("stamp", 1)  # the stamp belongs to one thread's connection
        if self.no_color:  # the terminal's own colours, rather than the theme's in grey
            self._filters = [*self._filters[:1], NoColor()]
        self._wear(settings.theme)
        self.set_keymap(dict(settings.keys))
        for _key, mode, _title in MODES:
            self.add_mode(mode, self.screen_of(mode))

    def on_mount(self) -> None:
        """Everything that takes time follows the first paint."""
        self.animation_level = "none"
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._begun = True
        for problem in self.context.settings.problems:
            errors.notice(self, problem, title="Settings", severity="error")
        self.set_interval(POLL_SECONDS, self.look)
        if self._ask_targets:
            self.look_at_targets()
            self.set_interval(TARGETS_SECONDS, self.look_at_targets)

    def _wear(self, name: str) -> None:
        suited = theming.suited(os.environ)
        try:
            self.use_theme(name or suited)
        except PilothouseError as error:
            self.use_theme(suited)
            self.call_later(errors.show, self, error)

    async def look(self) -> None:
        """See whether the workspace changed; the view that is shown reloads, others when shown."""
        stamp = await self._stamper.run(self.context.workspace.stamp)
        self._looks += 1
        if self._stamp not in (None, stamp) or not self._looks % LOOKS_OF_AN_AGE:
            self.context.pulse.beat += 1
        self._stamp = stamp
        if isinstance(self.screen, BaseScreen):
            self.screen.workspace_changed()

    @work(exclusive=True, group="watch", exit_on_error=False)
    async def look_at_targets(self) -> None:
        """Ask the targets whether they answer, for the header."""
        from console.app.targets.checks import check_all

        await check_all(self.context)
        if isinstance(self.screen, BaseScreen):
            self.screen.refresh_header()

    # — the end —

    def end(self, code: int) -> None:
        """End with this exit code; may be called from any thread and from a signal handler."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.exit, None, code)

    def exit(self, *arguments: Any, **options: Any) -> None:
        """End; what does not end by itself in time is left behind."""
        self.hurry(0)
        super().exit(*arguments, **options)

    async def on_event(self, event: events.Event) -> None:
        """Pass on what is pasted without anything that a terminal would act upon."""
        if isinstance(event, events.Paste) and not event.text.isprintable():
            event = events.Paste(printable(event.text))
        await super().on_event(event)

    # — errors —

    def on_trouble(self, trouble: Trouble) -> None:
        """Show what went wrong."""
        self.report(trouble.error)

    def report(self, error: BaseException) -> None:
        """Show an error; a fault of ours is kept too. Before the first paint it ends the app."""
        if not isinstance(error, PilothouseError):
            if not self._begun and isinstance(error, Exception):
                super()._handle_exception(error)
                return
            self.faults.append(error)
        errors.show(self, error)

    def _handle_exception(self, error: Exception) -> None:
        self.report(error)  # the last border: a widget without one of its own

    # — keys —

    def action_command_line(self) -> None:
        """Open the `:` line."""
        from console.app.shell.command_line import CommandLine
        from console.app.shell.completers import completers

        line = CommandLine(completers(self.context.workspace), self._history, self.context.threads)
        self.push_screen(line, self._obey)

    async def _obey(self, line: str | None) -> None:
        if line and line.strip():
            self._history.append(line)
            command, argument = commands.find(line)
            await self.run_action(("app", command.action, (argument,)))

    def action_help_keys(self, _argument: str = "") -> None:
        """Show the keys of this view."""
        from console.app.shell.help import HelpSheet

        self.push_screen(HelpSheet(self.screen))

    async def action_copy(self) -> None:
        """Copy what is in view or under the cursor."""
        text = self.screen.copy_text() if isinstance(self.screen, BaseScreen) else ""
        await self.copy_out(text)

    async def copy_out(self, text: str) -> None:
        """Copy `text` by the best way that this terminal has, and say which."""
        from console.app.shell import clipboard

        if text:
            write = self._driver.write if self._driver else _nowhere
            self.say(await self.context.threads.run(clipboard.copy, text, write, os.environ))

    def action_read_only(self) -> None:
        """Refuse changes, or allow them again."""
        guard = self.context.guard
        guard.read_only = not guard.read_only
        for screen in self.screen_stack:
            if isinstance(screen, BaseScreen):
                screen.refresh_header()

    async def action_leave(self, argument: str | None = None) -> None:
        """Go back one screen; at the root, or as the command `:q`, end the console."""
        if argument is None and len(self.screen_stack) > 1:
            self.screen.dismiss() if self.screen.is_modal else self.pop_screen()
        else:
            self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything that can be done here: this view's keys, its own list, modes and themes."""
        from console.app.shell.palette import entries

        for title, help_text, action in entries(screen):
            yield SystemCommand(title, help_text, lambda action=action: self._perform(action))

    async def _perform(self, action: str) -> None:
        await self.run_action(action, self.focused or self.screen)


def _nowhere(_sequence: str) -> None:
    """There is no terminal."""


def run(workspace: "Workspace", *, start: str = "models") -> int:
    """Open the console on the terminal; returns the exit code."""
    settings = load()
    errors.log_to_file()
    app = PilothouseApp(workspace, settings=settings, start=start, ask_targets=True)
    local = not os.environ.get("SSH_CONNECTION")
    with leaving.orderly(app.end) as app.hurry:
        app.run(mouse=local if settings.mouse is None else settings.mouse)
    return app.return_code or 0
