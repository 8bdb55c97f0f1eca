"""What `run()` returned, as an answer: JSON, or a response object as it is."""

import json
import os
import re

from . import failure, output
from .messages import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
BODILESS = (204, 205, 304)
"""Statuses of answers that have no body (RFC 9110); one would be taken for the next answer."""
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."


def encode(result: "Any", run_ms: float) -> Answer:
    """Turn a result into an answer; one that cannot be written as JSON is an internal error."""
    try:
        if hasattr(result, "status_code") and hasattr(result, "get_data"):
            return _response(result, run_ms)
        if result is None:
            return Answer(200, b"{}", run_ms=run_ms)
        return Answer(200, json.dumps(result).encode("ascii"), run_ms=run_ms)
    except (TypeError, ValueError, RecursionError) as error:
        output.report("ERROR", failure.describe(error))
        return Answer.problem(500, INTERNAL, run_ms)


def raised(error: BaseException) -> "Optional[Answer]":
    """An HTTP exception of werkzeug is an answer with its code, unless the old one is wanted."""
    if os.environ.get("PILOTHOUSE_COMPATIBLE") == "true":
        return None
    code = getattr(error, "code", None)
    if isinstance(code, int) and hasattr(error, "get_response"):
        return Answer.problem(code, str(getattr(error, "description", error)))
    return None


def _response(response: "Any", run_ms: float) -> Answer:
    """A Flask, werkzeug or AMLResponse object: status, repeated headers, whole or streamed body."""
    status, headers = int(response.status_code), _headers(response)
    if not 200 <= status <= 599:
        raise ValueError("{} cannot be the status of an answer".format(status))
    if status in BODILESS:
        return Answer(status, b"", headers, run_ms)
    if getattr(response, "is_streamed", False):
        parts = (_bytes(part) for part in response.response)
        headers = [pair for pair in headers if pair[0].lower() != "content-length"]
        return Answer(status, b"", headers, run_ms, parts)
    return Answer(status, _bytes(response.get_data()), headers, run_ms)


def _headers(response: "Any") -> "List[List[str]]":
    found = [[str(name), str(value)] for name, value in response.headers.items()]
    for name, value in found:
        if not _NAME.match(name) or _CONTROL.search(value):
            raise ValueError("{!r}: {!r} cannot be a response header".format(name, value))
    return found


def _bytes(part: "Any") -> bytes:
    return part.encode("utf-8") if isinstance(part, str) else bytes(part)
