"""`pilothouse` and `python -m console`: the app without words, a command with them."""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

COMPLETION = "_PILOTHOUSE_COMPLETE"
"""Set by the shell's completion function, which calls without words."""


def main() -> None:
    """Run what the command line asks for and end the process with its exit code.

    Without a word the console opens, and the command line's library is not even imported.
    """
    if len(sys.argv) > 1 or COMPLETION in os.environ:
        from console.cli.main import run

        signal.signal(signal.SIGTERM, _terminate)
        _end(run(sys.argv[1:]))
    sys.exit(_console())


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave as after an error: what was begun is ended and cleaned up on the way out."""
    sys.exit(128 + number)


def _end(code: int) -> NoReturn:
    """End now: a command has closed what it opened, and taking the interpreter apart is slow."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _console() -> int:
    from console.cli.opening import open_console

    try:
        return open_console(None)
    except Exception as error:  # the border: whatever went wrong is reported here
        from console.cli.errors import report

        return report(error, debug=False)


if __name__ == "__main__":
    main()
