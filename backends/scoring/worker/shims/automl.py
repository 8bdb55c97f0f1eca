"""Names that AutoML-generated entry scripts import for telemetry; nothing is sent anywhere."""

import contextlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

INSTRUMENTATION_KEY = ""
__all__ = [
    "INSTRUMENTATION_KEY",
    "enable_telemetry",
    "log_activity",
    "log_traceback",
    "set_verbosity",
    "update_custom_dimensions",
]


def enable_telemetry(*_: "Any", **__: "Any") -> None:
    """Nothing."""


def set_verbosity(*_: "Any", **__: "Any") -> None:
    """Nothing."""


def update_custom_dimensions(*_: "Any", **__: "Any") -> None:
    """Nothing."""


@contextlib.contextmanager
def log_activity(*_: "Any", **__: "Any") -> "Iterator[None]":
    """Nothing around the block."""
    yield


def log_traceback(exception: BaseException, logger: "Any" = None, **_: "Any") -> None:
    """The exception in the script's own logger."""
    if logger is not None:
        logger.error("%s: %s", type(exception).__name__, exception)
