"""A real terminal for a process: a pty, and an emulator that knows what stands on its screen."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pyte

DEADLINE = 20.0
"""Seconds after which something that was waited for is taken to have failed."""


class Terminal:
    """A process in a terminal of its own."""

    def __init__(self, *words: str, env: Mapping[str, str], columns: int, rows: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.raw = b""
        """Everything that the process wrote."""
        self._stream = pyte.ByteStream(self.screen)
        self._master, self._slave = pty.openpty()
        self.resize(columns, rows, tell=False)
        self.before = termios.tcgetattr(self._slave)
        """The line settings that the process found."""
        self.process = subprocess.Popen(
            words,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env={**os.environ, **env, "TERM": "xterm-256color", "COLUMNS": "", "LINES": ""},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(self.screen.display)

    @property
    def settings(self) -> list[object]:
        """The line settings now."""
        return list(termios.tcgetattr(self._slave))

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        """Change the window's size; the process gets SIGWINCH."""
        termios.tcsetwinsize(self._slave, (rows, columns))
        if tell:
            self.screen.resize(rows, columns)
            os.killpg(self.process.pid, signal.SIGWINCH)

    def wait_for(self, met: str | Callable[[str], bool]) -> str:
        """Read until the screen holds a text (or meets a test) and return the screen."""
        test = met if callable(met) else lambda text: met in text
        until = time.monotonic() + DEADLINE
        while not test(self.text):
            assert time.monotonic() < until, f"{met!r} never came up; the screen:\n{self.text}"
            assert self.process.poll() is None, f"it ended; the screen:\n{self.text}"
            self._read(0.1)
        return self.text

    def wait_end(self) -> int:
        """Read until the process has ended; its exit code."""
        until = time.monotonic() + DEADLINE
        while self.process.poll() is None:
            assert time.monotonic() < until, f"it never ended; the screen:\n{self.text}"
            self._read(0.05)
        self._read(0.0)
        return self.process.returncode

    def close(self) -> None:
        """End the process if it runs, and give the terminal back."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _read(self, wait: float) -> None:
        while select.select([self._master], [], [], wait)[0]:
            data = os.read(self._master, 65536)
            self.raw += data
            self._stream.feed(data)
            wait = 0.0


@contextmanager
def console(
    *words: str, env: Mapping[str, str], columns: int = 100, rows: int = 30
) -> Iterator[Terminal]:
    """`pilothouse WORDS` in a terminal."""
    terminal = Terminal(
        sys.executable, "-m", "console", *words, env=env, columns=columns, rows=rows
    )
    try:
        yield terminal
    finally:
        terminal.close()
