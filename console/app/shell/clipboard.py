"""Copying out of the terminal: the native tool, else OSC 52, else a file whose path is shown."""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

OSC52_CAP = 74_994
"""Bytes of base64 that every common terminal takes (the limit of hterm and tmux's buffers)."""

TOOL_SECONDS = 2.0

TOOLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
    ("", ("pbcopy",)),
    ("WSL_DISTRO_NAME", ("clip.exe",)),
)
"""The variable that has to be set (empty: none) and the tool with its arguments."""


def copy(text: str, write: Callable[[str], None], environment: Mapping[str, str]) -> str:
    """Copy `text` and say in a sentence where it went. Blocks at most `TOOL_SECONDS`.

    Args:
        text: What is copied.
        write: Sends an escape sequence to the terminal.
        environment: The process's variables; tell the terminal and the multiplexer.
    """
    if "SSH_CONNECTION" not in environment and _by_tool(text, environment):
        return f"Copied {_amount(text)}."
    sequence = osc52(text, environment)
    if sequence:
        write(sequence)
        return f"Sent {_amount(text)} to the terminal's clipboard."
    return f"Too long for the terminal's clipboard: written to {_to_file(text)}"


def osc52(text: str, environment: Mapping[str, str]) -> str:
    """The sequence that sets the terminal's clipboard, wrapped for tmux or screen.

    Empty when `text` is longer than terminals take. Sources: xterm's control sequences, OSC 52;
    tmux's and screen's pass-through in DCS.
    """
    encoded = base64.b64encode(text.encode()).decode()
    if len(encoded) > OSC52_CAP:
        return ""
    sequence = f"\x1b]52;c;{encoded}\x07"
    if environment.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environment.get("TERM", "").startswith("screen"):
        # screen drops strings longer than 768 bytes: pass it on in pieces
        pieces = [sequence[at : at + 700] for at in range(0, len(sequence), 700)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence


def _by_tool(text: str, environment: Mapping[str, str]) -> bool:
    for variable, command in TOOLS:
        if (variable and not environment.get(variable)) or not shutil.which(command[0]):
            continue
        try:
            subprocess.run(
                command,
                input=text.encode(),
                check=True,
                timeout=TOOL_SECONDS,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return True
    return False


def _to_file(text: str) -> Path:
    handle, name = tempfile.mkstemp(prefix="pilothouse-copy-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


def _amount(text: str) -> str:
    lines = text.count("\n") + 1
    return f"{lines} lines" if lines > 1 else f"{len(text)} characters"
