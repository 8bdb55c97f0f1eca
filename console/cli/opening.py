"""Opening the console from a command line."""

import os
import sys
from importlib import import_module

from backends.errors import InvalidInput


def open_console(workspace_name: str | None) -> int:
    """Run the app on a workspace in this terminal and give its exit code.

    The app is imported by name: the command line itself must stay free of it.

    Raises:
        InvalidInput: stdin or stdout is no terminal.
    """
    if not in_terminal():
        raise InvalidInput(
            "The console needs a terminal, and stdin or stdout is none.",
            fix="Use a command (pilothouse --help lists them), for example: pilothouse service"
            " list.",
        )
    if os.environ.get("SSH_CONNECTION"):
        os.environ.setdefault("TEXTUAL_FPS", "15")  # Textual reads it once, at import
    from backends.workspace import Workspace

    workspace = Workspace.open(workspace_name)
    try:
        code: int = import_module("console.app.app").run(workspace)
    finally:
        workspace.close()
    return code


def in_terminal() -> bool:
    """Whether both ends of this process are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()
