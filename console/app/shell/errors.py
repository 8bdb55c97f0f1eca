"""The one place that shows errors: a sentence for a known one, a logged traceback for a fault."""

import logging
import traceback

from textual.app import App

from backends import paths
from backends.errors import PilothouseError
from console.present import plain

LOG_NAME = "console.log"
LOGGER = logging.getLogger("pilothouse.console")
TOAST_SECONDS = 8.0


def log_to_file() -> None:
    """Send the console's log, faults with their tracebacks, to a file of bounded size."""
    from logging.handlers import RotatingFileHandler

    path = paths.home() / LOG_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=1, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.propagate = False


def show(app: App[None], error: BaseException) -> None:
    """Say what happened and what to do, without stopping anyone."""
    if isinstance(error, PilothouseError):
        LOGGER.info("%s: %s", type(error).__name__, plain(error.what))
        notice(app, plain(error.fix) or " ", title=plain(error.what), severity="error")
        return
    LOGGER.error("fault\n%s", "".join(traceback.format_exception(error)))
    notice(
        app,
        f"Its traceback is in {paths.home() / LOG_NAME}.",
        title=f"A fault in the console: {plain(repr(error))[:200]}",
        severity="error",
    )


def notice(app: App[None], message: str, *, title: str = "", severity: str = "information") -> None:
    """A toast; nothing in it is read as markup."""
    app.notify(
        plain(message),
        title=plain(title),
        severity="error" if severity == "error" else "information",
        timeout=TOAST_SECONDS,
        markup=False,
    )
