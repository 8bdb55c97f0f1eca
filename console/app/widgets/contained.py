"""Failures of handlers, actions and workers that are shown and end nothing."""

from textual.message import Message
from textual.message_pump import MessagePump
from textual.worker import Worker, WorkerState


class Trouble(Message):
    """Something went wrong; the app shows it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class Contained(MessagePump):
    """A base for screens and widgets whose failing handlers and workers don't end the app.

    Comes first among the bases. Any `PilothouseError` that a handler, an action or a worker
    (`exit_on_error=False`) raises is shown; any other exception is a fault: logged and named.
    """

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:  # the border: reported, and the app stays up
            self.app.post_message(Trouble(error))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Report what a worker raised."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.app.post_message(Trouble(event.worker.error))
