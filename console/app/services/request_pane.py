"""Test: a request to the service, written with help, sent, its answer taken apart."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widgets import Static

from backends.errors import InvalidInput, PilothouseError
from backends.registry.records import ModelVersion
from backends.requests.records import Answer, Request
from backends.targets.records import ServiceState
from console.app.services.answer_view import AnswerView
from console.app.services.dialogs import LineDialog
from console.app.services.pane import Pane
from console.app.services.request_dialogs import CopyDialog, HistoryDialog
from console.app.widgets.json_editor import JsonEditor
from console.app.widgets.tones import styled
from console.present import Cell, Tone

PREFILL_SECONDS = 6.0
LARGEST_FILE = 8 * 1024 * 1024
COPIES = {
    "answer": "the answer's body",
    "body": "the request's body",
    "curl": "the request as curl",
    "command": "the request as pilothouse service run",
}


class RequestPane(Pane):
    """Editor and answer, side by side where there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,alt+enter", "send", "send", id="test.send", priority=True),
        Binding("ctrl+s", "save", "save", id="test.save", priority=True),
        Binding("ctrl+o", "file", "body from a file", id="test.file", priority=True),
        Binding("H", "history", "history", id="test.history"),
        Binding("y", "copy", "copy", id="test.copy"),
    ]
    DEFAULT_CSS = """
    RequestPane > .url { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    RequestPane > .sides { layout: horizontal; height: 1fr; }
    RequestPane JsonEditor { width: 1fr; height: 1fr; padding: 0 1; }
    RequestPane AnswerView { width: 1fr; height: 1fr; padding: 0 1; border-left: vkey $line; }
    """

    @dataclass
    class Prefilled(Message):
        """A body to start from was found."""

        body: str

    @dataclass
    class Answered(Message):
        """An answer came."""

        answer: Answer

    @dataclass
    class Unanswered(Message):
        """No answer came."""

        error: PilothouseError

    _picked = ""
    _seen: ServiceState | None = None

    def compose(self) -> ComposeResult:
        """URL line, editor, answer."""
        yield Static(classes="url")
        with Container(classes="sides"):
            yield JsonEditor("{}")
            yield AnswerView(self.context.threads)

    @property
    def editor(self) -> JsonEditor:
        """Where the body is written."""
        return self.query_one(JsonEditor)

    @property
    def answer_view(self) -> AnswerView:
        """Where the answer is."""
        return self.query_one(AnswerView)

    def refresh_view(self) -> None:
        """Draw the URL line; a service that has just come up may say what it takes."""
        if self.service is None:
            return
        service = self.service
        key = "key ••••  from the service" if service.spec.auth else "no key wanted"
        address = service.scoring_uri or "no address yet"
        line = (Cell("POST ", Tone.ACCENT), Cell(address), Cell(f"   {key}", Tone.DIM))
        self.query_one(".url", Static).update(styled(line))
        if service.state is not self._seen and not self.editor.touched:
            self._prefill()
        self._seen = service.state

    def take_focus(self) -> None:
        """To the editor."""
        self.editor.focus()

    def copy_text(self) -> str:
        """What was chosen to be copied, else the answer's body."""
        picked, self._picked = self._picked, ""
        return picked or self._copied("answer")

    # Prefill

    @work(exclusive=True, group="prefill", exit_on_error=False)
    async def _prefill(self) -> None:
        from backends.requests.call import fetch_swagger
        from backends.requests.payload import sample_body

        model = await self.context.threads.run(self._model)
        swagger, services = None, self.context.workspace.services
        try:
            async with (
                asyncio.timeout(PREFILL_SECONDS),
                services.endpoint(self.name_of_service) as endpoint,
            ):
                swagger = await fetch_swagger(endpoint)
        except (PilothouseError, TimeoutError):
            swagger = None  # it is not up yet: the model alone has to tell
        self.post_message(self.Prefilled(sample_body(swagger, model)))

    def _model(self) -> ModelVersion | None:
        models = self.service.spec.models if self.service else ()
        if not models or not models[0].version:
            return None
        try:
            return self.context.workspace.registry.resolve(models[0].id)
        except PilothouseError:
            return None  # deleted since: the service itself has to tell

    def on_request_pane_prefilled(self, message: Prefilled) -> None:
        """Put it in, unless someone typed meanwhile."""
        if not self.editor.touched:
            self.editor.load(message.body)

    # Sending

    def action_send(self) -> None:
        """Send what is written."""
        self.answer_view.say(Cell("sending …", Tone.BUSY), Cell(""))
        self._send(self.editor.text)

    @work(exclusive=True, group="send", exit_on_error=False)
    async def _send(self, body: str) -> None:
        from backends.requests.call import send

        services, run = self.context.workspace.services, self.context.threads.run
        try:
            async with services.endpoint(self.name_of_service) as endpoint:
                wants = self.service is not None and self.service.spec.auth
                keys = await services.keys(self.name_of_service) if wants else None
                request = Request(
                    service=self.name_of_service,
                    url=endpoint.scoring,
                    body=body,
                    headers=endpoint.headers,
                )
                answer = await send(request, keys)
        except PilothouseError as error:
            self.post_message(self.Unanswered(error))
            return
        self.post_message(self.Answered(answer))
        await run(self.context.workspace.history.add, request, answer)

    def on_request_pane_answered(self, message: Answered) -> None:
        """Show it."""
        self.answer_view.show(message.answer)

    def on_request_pane_unanswered(self, message: Unanswered) -> None:
        """Show why."""
        self.answer_view.fail(message.error)

    def on_json_editor_left(self) -> None:
        """Go on in the answer."""
        self.answer_view.focus()

    # History, files, copies

    @work(exclusive=True, group="act", exit_on_error=False)
    async def action_history(self) -> None:
        """Show an earlier request, or send it again."""
        run, history = self.context.threads.run, self.context.workspace.history
        exchanges = await run(history.recent, self.name_of_service)
        saved = await run(history.saved, self.name_of_service)
        chosen = await self.app.push_screen_wait(HistoryDialog(exchanges, saved))
        if chosen is None:
            return
        self._load(chosen.request.body)
        if chosen.again:
            self.action_send()
        elif chosen.exchange:
            self.answer_view.show(chosen.exchange.answer)

    @work(exclusive=True, group="act", exit_on_error=False)
    async def action_save(self) -> None:
        """Keep the request under a name."""
        name = await self.app.push_screen_wait(LineDialog("Save this request", "Its name:"))
        if name:
            save = self.context.workspace.history.save
            await self.context.threads.run(save, name, self._request())
            self.notify(f"Saved as {name}: H lists it.", markup=False)

    @work(exclusive=True, group="act", exit_on_error=False)
    async def action_file(self) -> None:
        """Take the body from a file."""
        dialog = LineDialog("Body from a file", "Path of a text file:", f"{Path.cwd()}/", "Read")
        path = await self.app.push_screen_wait(dialog)
        if path:
            self._load(await self.context.threads.run(read_body, path))

    @work(exclusive=True, group="act", exit_on_error=False)
    async def action_copy(self) -> None:
        """Choose what to copy."""
        what = await self.app.push_screen_wait(CopyDialog(COPIES))
        if what:
            await self.copy_as(what)

    async def copy_as(self, what: str) -> None:
        """Copy the `answer`, the `body`, or the request as `curl` or `command`."""
        self._picked = self._copied(what)
        await self.app.run_action("app.copy")

    def _load(self, body: str) -> None:
        self.editor.load(body)
        self.editor.touched = True

    def _copied(self, what: str) -> str:
        from backends.requests.recipe import as_command, as_curl

        if what == "curl":
            auth = self.service is not None and self.service.spec.auth
            return as_curl(self._request(), auth=auth)
        if what == "command":
            return as_command(self._request(), self.context.workspace.name)
        if what == "body":
            return self.editor.text
        answer = self.answer_view.answer
        return answer.body.decode(errors="replace") if answer else ""

    def _request(self) -> Request:
        url = (self.service.scoring_uri if self.service else "") or ""
        return Request(service=self.name_of_service, url=url, body=self.editor.text)


def read_body(name: str) -> str:
    """A file's text as a request body.

    Raises:
        InvalidInput: it can't be read, is no text, or too long to edit.
    """
    path = Path(name).expanduser()
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InvalidInput(
                f"{path} is too long to edit (over {LARGEST_FILE // 2**20} MiB).",
                fix="Send it with `pilothouse service run -d @FILE` or curl.",
            )
        return path.read_text("utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be read: {error.strerror}.", fix="Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{path} is no text.", fix="Send it with curl --data-binary @FILE."
        ) from error
