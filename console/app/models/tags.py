"""The dialog that changes a version's tags and description, and adds properties."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Label, Static, TextArea

from backends.errors import InvalidInput, PilothouseError
from backends.registry.records import ModelVersion
from console import present
from console.app.models import equivalent, labels
from console.app.shell.context import Context
from console.app.shell.dialog import Dialog
from console.app.widgets.form_line import FormLine
from console.app.widgets.prompt import Prompt
from console.present import plain


class TagsDialog(Dialog[bool]):
    """Ends with True when something was changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", id="tags.save"),
    ]
    DEFAULT_CSS = """
    TagsDialog TextArea, TagsDialog TextArea:focus {
        border: none; height: 6; width: 1fr; padding: 0; background: $background;
    }
    TagsDialog .fixed { color: $dim; padding-left: 14; }
    """
    choices = (("cancel", "Cancel"), ("save", "Save"))
    equivalent = " "

    def __init__(self, context: Context, model: ModelVersion) -> None:
        super().__init__()
        self.context = context
        self._model = model
        self.title_text = f"Tags of {model.id}"

    def compose_content(self) -> ComposeResult:
        """Tags, one a line; properties, which only grow; description."""
        self._tags = TextArea(labels.emit(self._model.tags), tab_behavior="focus")
        self._tags.cursor_blink = False
        self._properties = Prompt(placeholder="accuracy=0.98 (never changed once set)")
        self._description = Prompt(self._model.description)
        self._tags_line = FormLine("Tags", self._tags)
        self._properties_line = FormLine("Add property", self._properties)
        yield self._tags_line
        if self._model.properties:
            yield Label(Content(present.pairs(self._model.properties)), classes="fixed")
        yield self._properties_line
        yield FormLine("Description", self._description)

    def on_mount(self) -> None:
        """Start at the end of the tags."""
        self._tags.focus()
        self._tags.move_cursor(self._tags.document.end)
        self._check()

    def on_text_area_changed(self) -> None:
        """Check what is typed."""
        self._check()

    def on_prompt_changed(self, event: Prompt.Changed) -> None:
        """Check what is typed."""
        event.stop()
        self._check()

    def on_prompt_left(self, event: Prompt.Left) -> None:
        """Esc leaves the dialog."""
        event.stop()
        self.action_cancel()

    def _check(self) -> None:
        command = ""
        self._tags_line.problem = self._properties_line.problem = ""
        try:
            tags = labels.parse(self._tags.text)
        except InvalidInput as error:
            self._tags_line.problem = error.what
        else:
            command = self._command(tags)
        self.query_one("#save").disabled = not command
        self.query_one(".equivalent", Static).update(Content(plain(command) or " "))

    def _command(self, tags: dict[str, str]) -> str:
        try:
            more = labels.parse_line(self._properties.value)
        except InvalidInput as error:
            self._properties_line.problem = error.what
            return ""
        double = more.keys() & self._model.properties.keys()
        if double:
            self._properties_line.problem = f"{', '.join(sorted(double))} is set for good."
            return ""
        before, text = self._model.tags, self._description.value
        self._add = {key: value for key, value in tags.items() if before.get(key) != value}
        self._remove = tuple(key for key in before if key not in tags)
        self._more = more
        self._text = text if text != self._model.description else None
        if not (self._add or self._remove or self._more or self._text is not None):
            return ""
        return equivalent.update(
            self._model.id,
            add_tags=self._add,
            remove_tags=self._remove,
            add_properties=self._more,
            description=self._text,
        )

    def chosen(self, _choice: str) -> None:
        """Save."""
        self.action_save()

    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_save(self) -> None:
        """Write the changes; the dialog stays open when that fails."""
        if self.query_one("#save").disabled:
            return
        try:
            await self.context.threads.run(
                self.context.workspace.registry.update,
                self._model.id,
                add_tags=self._add,
                remove_tags=self._remove,
                add_properties=self._more,
                description=self._text,
            )
        except PilothouseError as error:
            self._tags_line.problem = error.what
        else:
            self.dismiss(True)
