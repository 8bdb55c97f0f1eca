"""The way out: on `q`, SIGTERM, SIGHUP and a hung-up terminal, within a second, terminal sane."""

import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

PATIENCE_SECONDS = 0.8
"""What an orderly end may take before the process ends without it."""
RESTORE = (
    "\x1b[<u\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?1004l\x1b[?7h"
    "\x1b[?1049l\x1b[?25h"
)
"""Kitty keys, mouse, paste and focus reports off; line wrap; the normal screen; the cursor."""

End = Callable[[int], None]
"""Asks the console to end with an exit code; safe from any thread and from a signal handler."""


@contextmanager
def orderly(end: End) -> Iterator[Callable[[int], None]]:
    """While it holds, signals and a lost terminal call `end`, and the end has a deadline.

    Yields a function that starts the deadline, for ends that come from inside (`q`).
    """
    before = _terminal_state()
    done = threading.Event()

    def hurry(code: int) -> None:
        watch = threading.Thread(target=_deadline, args=(done, code, before), daemon=True)
        watch.start()

    def leave(code: int) -> None:
        hurry(code)
        end(code)

    def on_signal(number: int, _frame: FrameType | None) -> None:
        leave(128 + number)

    old = {each: signal.signal(each, on_signal) for each in (signal.SIGTERM, signal.SIGHUP)}
    threading.Thread(target=_watch_terminal, args=(leave,), daemon=True).start()
    try:
        yield hurry
    finally:
        done.set()
        for number, handler in old.items():
            signal.signal(number, handler)


def _watch_terminal(leave: End) -> None:
    poll = select.poll()
    poll.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, 0)  # hang-up and errors only
    poll.poll()
    leave(128 + signal.SIGHUP)


def _deadline(done: threading.Event, code: int, before: list[Any] | None) -> None:
    if done.wait(PATIENCE_SECONDS):
        return
    with suppress(OSError, termios.error):
        if before is not None:
            termios.tcsetattr(0, termios.TCSANOW, before)
        os.set_blocking(2, False)
        os.write(2, RESTORE.encode())
    os._exit(code)


def _terminal_state() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None
