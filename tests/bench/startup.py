"""Start-up: the command line beside its own library, the console beside an empty app."""

import os
import pty
import select
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from tests.bench.figures import Figure, command, compare, python

EMPTY_APP = """
from textual.app import App
class Empty(App):
    BINDINGS = [("q", "quit", "")]
Empty().run()
"""
CONSOLE = "from console.__main__ import main; main()"
FIRST_CELL = b"\x1b[1;1H"
"""Where the cursor goes to paint a whole screen."""
PAINT_SECONDS = 20.0


def measure() -> Iterator[Figure]:
    """`--help`, the first paint, and leaving."""
    module = (sys.executable, "-m", "console")
    click = python("import click")
    for words in (("--help",), ("model", "deploy", "--help")):
        what = f"pilothouse {' '.join(words)}"
        yield compare(
            what, command(*module, *words), "python -c 'import click'", click, allowed=2.0
        )
    with tempfile.TemporaryDirectory() as home:
        env = {
            **os.environ,
            "PILOTHOUSE_HOME": home,
            "PILOTHOUSE_CONFIG": home,
            "TERM": "xterm-256color",
        }
        for what, key, allowed in (("first paint", b"", 2.0), ("q until it has ended", b"q", 3.0)):
            yield compare(
                f"console: {what}",
                on_terminal(CONSOLE, b"Models", env, key),
                "an empty Textual app's",
                on_terminal(EMPTY_APP, FIRST_CELL, env, key),
                allowed=allowed,
            )


def on_terminal(code: str, word: bytes, env: Mapping[str, str], key: bytes) -> Callable[[], float]:
    """Seconds from starting Python on a terminal until `word` is drawn on the app's screen.

    With a `key`: the seconds from that key, pressed then, until the process has ended.
    """

    def run() -> float:
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 80))
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave, env=env
        )
        os.close(slave)
        try:
            painted = _until(master, word, began)
            return _pressed(process, master, key) if key else painted
        finally:
            process.kill()
            process.wait()
            os.close(master)

    return run


def _pressed(process: subprocess.Popen[bytes], master: int, key: bytes) -> float:
    began = time.perf_counter()
    os.write(master, key)
    while process.poll() is None and time.perf_counter() - began < PAINT_SECONDS:
        if select.select([master], [], [], 0.002)[0]:
            with suppress(OSError):  # the terminal went away with its process
                os.read(master, 65536)
    return time.perf_counter() - began


def _until(master: int, word: bytes, began: float) -> float:
    seen = b""
    while time.perf_counter() - began < PAINT_SECONDS:
        if select.select([master], [], [], 0.5)[0]:
            seen += os.read(master, 65536)
        if word in seen.partition(b"\x1b[?1049h")[2]:
            return time.perf_counter() - began
    raise TimeoutError(f"nothing was painted in {PAINT_SECONDS} s: {seen[-500:]!r}")
