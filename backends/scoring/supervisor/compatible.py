"""Answers of azureml-inference-server-http where ours differ on purpose, for who needs those.

Asked for by the launch's `compatible` or the variable PILOTHOUSE_COMPATIBLE=true. Then:

- a `run()` that takes too long is answered with 500 and its text, not 504;
- requests wait as long as it takes, also for a service that still starts: never 503 for a queue;
- a body of any size is taken: never 413;
- `HEAD /score` is 405, not the head of a `GET`;
- an HTTP exception of werkzeug that `run()` raises is 500, not an answer with its own code;
- the server ends with code 3 when the script, its `init()` or the settings fail.

What that server's own front end answered (401, 502) stays, and so does every text that they share.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from backends.scoring.launch import Launch

if TYPE_CHECKING:
    from .job import Reply

VARIABLE = "PILOTHOUSE_COMPATIBLE"
ENDLESS_MS = 1 << 31
ENDLESS = 1 << 62
SCORE_METHODS = ("GET", "POST", "OPTIONS")


def wanted(launch: Launch, environ: Mapping[str, str]) -> bool:
    """The launch or a variable asks for it; the launch's variables win over the environment's."""
    text = launch.variables.get(VARIABLE, environ.get(VARIABLE, ""))
    return launch.compatible or text.lower() == "true"


def applied(launch: Launch) -> Launch:
    """The launch as it is run: without limits of ours when the old answers are wanted."""
    if not wanted(launch, os.environ):
        return launch
    return dataclasses.replace(
        launch,
        compatible=True,
        end_when_failed=True,
        queue_wait_ms=ENDLESS_MS,
        queue_length=ENDLESS,
        body_bytes=ENDLESS,
        variables={**launch.variables, VARIABLE: "true"},
    )


def answering(answer: "Callable[[Reply], None]") -> "Callable[[Reply], None]":
    """`answer`, with the old status and headers."""

    def give(reply: "Reply") -> None:
        if reply.rejected == "timeout":
            reply.status = 500
        answer(reply)

    return give
