"""Which request a line belongs to, also when a thread that `run()` started prints it.

A thread carries the id of the request that started it for as long as it lives. A function that is
submitted to a `ThreadPoolExecutor` carries the id of the request that submitted it, where the
script or what it imports has loaded `concurrent.futures` by the end of `init()`. Other pools keep
their threads from request to request: what they print has the id of the request that started them.
"""

import functools
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_NAME = "_pilothouse_request"


class Current:
    """The request that the main thread runs; a worker runs one at a time."""

    request_id = ""


def request_id() -> str:
    """The request that the calling thread works for; empty when it works for none."""
    thread = threading.current_thread()
    if thread is _MAIN:
        return Current.request_id
    return getattr(thread, _NAME, "")


def into_threads() -> None:
    """Make threads carry the request that started them."""
    start = threading.Thread.start

    @functools.wraps(start)
    def carry(thread: threading.Thread) -> None:
        setattr(thread, _NAME, request_id())
        start(thread)

    setattr(threading.Thread, "start", carry)  # noqa: B010 - mypy lets no method be assigned


def through_pools() -> None:
    """Make what is submitted to an executor's threads carry the request that submitted it."""
    module = sys.modules.get("concurrent.futures.thread")
    if module is None:
        return
    submit = module.ThreadPoolExecutor.submit

    @functools.wraps(submit)
    def carry(
        executor: "Any", function: "Callable[..., Any]", *arguments: "Any", **named: "Any"
    ) -> "Any":
        return submit(executor, _for_request, request_id(), function, *arguments, **named)

    module.ThreadPoolExecutor.submit = carry


def _for_request(
    owner: str, function: "Callable[..., Any]", *arguments: "Any", **named: "Any"
) -> "Any":
    thread = threading.current_thread()
    before = getattr(thread, _NAME, "")
    setattr(thread, _NAME, owner)
    try:
        return function(*arguments, **named)
    finally:
        setattr(thread, _NAME, before)


_MAIN = threading.main_thread()
