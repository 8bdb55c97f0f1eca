"""Start-up: the command line beside its own library, the console beside an empty app."""

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping

from tests.bench.figures import Figure, command, compare, python

EMPTY_APP = "from textual.app import App; App().run()"
CONSOLE = "from console.__main__ import main; main()"
FIRST_CELL = b"\x1b[1;1H"
"""Where the cursor goes to paint a whole screen."""
PAINT_SECONDS = 20.0


def measure() -> Iterator[Figure]:
    """`--help` and the first paint."""
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
        yield compare(
            "console: first paint",
            first_paint(CONSOLE, b"Models", env),
            "an empty Textual app's",
            first_paint(EMPTY_APP, FIRST_CELL, env),
            allowed=2.0,
        )


def first_paint(code: str, word: bytes, env: Mapping[str, str]) -> Callable[[], float]:
    """Seconds from starting Python on a terminal until `word` is drawn on the app's screen."""

    def run() -> float:
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 80))
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave, env=env
        )
        os.close(slave)
        try:
            return _until(master, word, began)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            os.close(master)

    return run


def _until(master: int, word: bytes, began: float) -> float:
    seen = b""
    while time.perf_counter() - began < PAINT_SECONDS:
        if select.select([master], [], [], 0.5)[0]:
            seen += os.read(master, 65536)
        if word in seen.partition(b"\x1b[?1049h")[2]:
            return time.perf_counter() - began
    raise TimeoutError(f"nothing was painted in {PAINT_SECONDS} s: {seen[-500:]!r}")
