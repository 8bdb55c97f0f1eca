"""Tracebacks as the script's author wants them: without our frames and the import system's."""

import os
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Optional

LONGEST_SUMMARY = 500
_OURS = os.path.dirname(os.path.abspath(__file__))


class ScriptError(Exception):
    """The entry script or the model cannot be served as it is; the text is for its author."""


def describe(error: BaseException) -> str:
    """The traceback as text; only the message when the error is ours."""
    if isinstance(error, ScriptError):
        return str(error)
    trace = _without_ours(error.__traceback__) or error.__traceback__
    if isinstance(error, SyntaxError):
        trace = None
    return "".join(traceback.format_exception(type(error), error, trace))


def summary(error: BaseException) -> str:
    """The error in one line."""
    name = "" if isinstance(error, ScriptError) else type(error).__name__
    first = (str(error).strip().splitlines() or [""])[0][:LONGEST_SUMMARY]
    return ": ".join(part for part in (name, first) if part)


def _without_ours(trace: "Optional[TracebackType]") -> "Optional[TracebackType]":
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith((_OURS, "<frozen importlib")):
            break
        trace = trace.tb_next
    return trace
