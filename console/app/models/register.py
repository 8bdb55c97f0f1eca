"""The dialog that registers a model from a file, a folder, or chosen parts of a folder."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from backends.errors import InvalidInput, PilothouseError, Refused
from backends.registry.checks import request_problems
from backends.registry.records import Framework, ModelVersion, Registration
from console.app.models import equivalent, labels
from console.app.shell.completers import suggest_paths
from console.app.shell.context import Context
from console.app.shell.dialog import Dialog
from console.app.widgets.choice import Choice, Option
from console.app.widgets.form_line import FormLine
from console.app.widgets.progress import Progress
from console.app.widgets.prompt import Prompt, Suggestion
from console.app.widgets.rows import Column, Row
from console.app.widgets.table import Table
from console.present import Cell, Tone, plain

FRAMEWORKS = (Option("", "guess"), *(Option(each, each) for each in Framework))
REDRAW_SECONDS = 0.1
MOST_CHILDREN = 1000


class RegisterDialog(Dialog[ModelVersion]):
    """Ends with the version that was made. Leaving while it copies stops and undoes it.

    Args:
        context: The console's.
        path: What to start from; may be empty.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "register", "register", id="register.go"),
    ]
    DEFAULT_CSS = """
    RegisterDialog > .box { width: 92; }
    RegisterDialog .children { display: none; }
    RegisterDialog.-folder .children { display: block; }
    RegisterDialog Table { height: 6; background: $surface; }
    RegisterDialog .content { height: auto; }
    """
    title_text = "Register a model"
    choices = (("cancel", "Cancel"), ("register", "Register"))
    equivalent = " "

    def __init__(self, context: Context, path: str = "") -> None:
        super().__init__()
        self.context = context
        self._start = path
        self._named = False
        self._folder: Path | None = None
        self._copied = (0, 0)
        self._stopped = False
        self._busy = False

    def compose_content(self) -> ComposeResult:
        """A line a field; the folder's parts; progress."""
        self._path = Prompt(self._start, suggest=self._suggest, placeholder="a file or a folder")
        self._called = Prompt(placeholder="letters, digits, - . _")
        self._framework = Choice(FRAMEWORKS)
        self._version = Prompt(placeholder="of the framework")
        self._tags = Prompt(placeholder="area=mnist stage=prod")
        self._description = Prompt()
        self._children = Table((Column(title="ONLY THESE (space marks)", width=20, weight=1),))
        self._lines = {
            "path": FormLine("Path", self._path),
            "name": FormLine("Name", self._called),
            "framework": FormLine("Framework", self._framework),
            "version": FormLine("Version", self._version),
            "tags": FormLine("Tags", self._tags),
            "description": FormLine("Description", self._description),
        }
        yield from self._lines.values()
        children = FormLine("Parts", self._children)
        children.add_class("children")
        yield children
        yield Progress()

    def on_mount(self) -> None:
        """Start with the path."""
        self._path.focus()
        self._check()

    # — as it is typed —

    async def _suggest(self, line: str) -> Sequence[Suggestion]:
        return await self.context.threads.run(suggest_paths, line)

    def on_prompt_changed(self, event: Prompt.Changed) -> None:
        """Check everything; a name follows the path until one is typed."""
        event.stop()
        if event.prompt is self._called:
            self._named = bool(event.value)
        if event.prompt is self._path and not self._named:
            self._called.fill(_name_of(event.value))
        self._check()

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """On to the next field."""
        event.stop()
        self.focus_next()

    def on_prompt_left(self, event: Prompt.Left) -> None:
        """Esc leaves the dialog."""
        event.stop()
        self.action_cancel()

    def on_choice_changed(self) -> None:
        """Check everything."""
        self._check()

    def on_table_highlighted(self) -> None:
        """A mark may have changed."""
        self._check()

    def _check(self) -> None:
        problems = self._problems()
        for key, line in self._lines.items():
            line.problem = problems.get(key, "")
        self._show_parts()
        ready = not any(problems.values()) and bool(self._path.value) and not self._busy
        self.query_one("#register").disabled = not ready
        shown = equivalent.register(self._request()) if ready else " "
        self.query_one(".equivalent", Static).update(plain(shown))

    def _problems(self) -> dict[str, str]:
        found = {}
        path = self._path.value
        if path and not os.path.lexists(Path(path).expanduser()):
            found["path"] = "There is no such file or folder."
        wrong = request_problems(Registration(name=self._called.value, path=path))
        if wrong and (path or self._called.value):
            found["name"] = "1 to 255 letters, digits, - . _ beginning with a letter or digit."
        if self._version.value and not self._framework.value:
            found["version"] = "Choose the framework that it is a version of."
        try:
            labels.parse_line(self._tags.value)
        except InvalidInput as error:
            found["tags"] = error.what
        return found

    def _request(self) -> Registration:
        framework = self._framework.value
        return Registration(
            name=self._called.value,
            path=str(Path(self._path.value).expanduser()),
            child_paths=tuple(sorted(self._children.marks)),
            description=self._description.value,
            framework=Framework(framework) if framework else None,
            framework_version=self._version.value,
            tags=labels.parse_line(self._tags.value),
        )

    def _show_parts(self) -> None:
        path = Path(self._path.value or "/nowhere").expanduser()
        folder = path if path.is_dir() else None
        if folder != self._folder:
            self._folder = folder
            self._children.clear_marks()
            self._children.show(_parts(folder) if folder else ())
            self.set_class(folder is not None, "-folder")

    # — doing it —

    def chosen(self, _choice: str) -> None:
        """Register."""
        self.action_register()

    def action_cancel(self) -> None:
        """Leave; what is being copied is undone."""
        self._stopped = True
        super().action_cancel()

    @work(exclusive=True, group="register", exit_on_error=False)
    async def action_register(self) -> None:
        """Copy and store; the dialog stays open when that fails."""
        if self.query_one("#register").disabled:
            return
        self._busy = True
        self._check_running()
        ticker = self.set_interval(REDRAW_SECONDS, self._draw_progress)
        try:
            registry = self.context.workspace.registry
            made = await self.context.threads.run(registry.register, self._request(), self._advance)
        except PilothouseError as error:
            self._lines["path"].problem = error.what
        else:
            self.context.pulse.beat += 1  # the view under this one reloads as it comes back
            self.notify(f"Registered {made.id}.", markup=False)
            self.dismiss(made)
        finally:
            ticker.stop()
            self._busy = False
            self._check_running()

    def _advance(self, done: int, total: int) -> None:
        """Called in the copying thread."""
        if self._stopped:
            raise Refused("Stopped: nothing was registered.")
        self._copied = (done, total)

    def _draw_progress(self) -> None:
        bar = self.query_one(Progress)
        bar.done, bar.total = self._copied

    def _check_running(self) -> None:
        self.query_one("#register").disabled = self._busy


def _parts(folder: Path) -> list[Row]:
    entries = sorted(folder.iterdir())[:MOST_CHILDREN]
    return [
        Row(each.name, (Cell(each.name + ("/" if each.is_dir() else ""), Tone.PLAIN),))
        for each in entries
    ]


def _name_of(path: str) -> str:
    bare = Path(path.rstrip("/") or "").stem
    return re.sub(r"[^a-zA-Z0-9\-._]+", "_", bare).lstrip("-._")[:255]
