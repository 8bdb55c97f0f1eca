"""This terminal lent to a program elsewhere: keys go there raw, what it writes comes here."""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Generator
from typing import TYPE_CHECKING

from backends.errors import Unsupported

if TYPE_CHECKING:
    from backends.targets.terminal import Terminal

LEAVE = b"\x1d"
"""ctrl+], which leaves a program that does not end."""
SIZE_SECONDS = 0.25
"""How often the terminal's size is looked at: no handler of a signal is taken from the console."""
_CALM = (
    b"\x1b[0m\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b[?25h"
)
"""Takes back what a program that was cut off may have left: alternate screen, mouse, paste."""
_PIECE = 64 << 10


def refuse_without_terminal() -> None:
    """Only what a person sits at can be lent.

    Raises:
        Unsupported: standard input or output is no terminal.
    """
    if not (
        sys.__stdin__ and sys.__stdin__.isatty() and sys.__stdout__ and sys.__stdout__.isatty()
    ):
        raise Unsupported(
            "A shell needs a terminal, and standard input or output is none.",
            fix="Run it from a terminal; `docker exec` runs programs without one.",
        )


def size_of(out: int) -> tuple[int, int]:
    """Columns and rows of a terminal."""
    try:
        found = os.get_terminal_size(out)
    except OSError:
        return 80, 24
    return found.columns or 80, found.lines or 24


async def lend(program: "Terminal", *, keys: int, out: int) -> bool:
    """Join a terminal with a program until that ends, is cut off, or ctrl+] is pressed.

    Args:
        program: What runs elsewhere.
        keys: Descriptor that the terminal's keys are read from.
        out: Descriptor that it is written to.

    Returns:
        Whether the person left; otherwise the program ended by itself.
    """
    left = asyncio.Event()
    with _raw(keys, out):
        tasks = [
            asyncio.create_task(_show(program, out)),
            asyncio.create_task(left.wait()),
            asyncio.create_task(_follow_size(program, out)),
        ]
        loop = asyncio.get_running_loop()
        loop.add_reader(keys, _pass_keys, program, keys, left)
        try:
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_reader(keys)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return left.is_set()


def _pass_keys(program: "Terminal", keys: int, left: asyncio.Event) -> None:
    try:
        data = os.read(keys, _PIECE)
    except OSError:
        data = b""
    before, leave, _ = data.partition(LEAVE)
    program.write(before)
    if leave or not data:  # the terminal itself is gone
        left.set()


async def _show(program: "Terminal", out: int) -> None:
    while piece := await program.read():
        await asyncio.to_thread(_write, out, piece)


def _write(out: int, data: bytes) -> None:
    view = memoryview(data)
    with contextlib.suppress(OSError):  # the terminal is gone: the keys' end tells
        while view:
            view = view[os.write(out, view) :]


async def _follow_size(program: "Terminal", out: int) -> None:
    known = size_of(out)
    while True:
        await asyncio.sleep(SIZE_SECONDS)
        if (now := size_of(out)) != known:
            known = now
            await program.resize(*now)


@contextlib.contextmanager
def _raw(keys: int, out: int) -> Generator[None, None, None]:
    """Every key is the program's; afterwards the terminal is as it was."""
    before = termios.tcgetattr(keys)
    tty.setraw(keys, termios.TCSANOW)
    try:
        yield
    finally:
        _write(out, _CALM)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(keys, termios.TCSANOW, before)
