import base64
import os
import re
from pathlib import Path

import pytest

from console.app.shell import clipboard

SSH = {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22", "TERM": "xterm"}


def decoded(sequence: str) -> str:
    found = re.search(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", sequence)
    assert found is not None
    return base64.b64decode(found[1]).decode()


def test_over_ssh_the_terminal_is_asked() -> None:
    sent: list[str] = []
    said = clipboard.copy("onnx_mnist:4 ü", sent.append, SSH)
    assert decoded(sent[0]) == "onnx_mnist:4 ü"
    assert "Sent" in said


def test_tmux_passes_the_sequence_on() -> None:
    sequence = clipboard.osc52("text", {**SSH, "TMUX": "/tmp/tmux-0/default,1,0"})
    assert sequence.startswith("\x1bPtmux;\x1b\x1b]52")
    assert sequence.endswith("\x1b\\")


def test_screen_gets_it_in_pieces() -> None:
    sequence = clipboard.osc52("x" * 3000, {"TERM": "screen.xterm-256color"})
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", sequence, re.DOTALL)
    assert all(len(piece) <= 768 for piece in pieces)
    assert decoded("".join(pieces)) == "x" * 3000


def test_what_is_too_long_goes_to_a_file() -> None:
    sent: list[str] = []
    text = "line\n" * 20_000
    said = clipboard.copy(text, sent.append, SSH)
    path = Path(said.rpartition(" ")[2])
    assert sent == []
    assert path.read_text() == text
    path.unlink()


@pytest.mark.parametrize("works", [True, False])
def test_a_native_tool_comes_first_and_a_broken_one_is_passed_over(
    works: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    tool = tmp_path / "xclip"
    tool.write_text(f"#!/bin/sh\n{f'cat > {kept}' if works else 'exit 1'}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    sent: list[str] = []
    clipboard.copy("text", sent.append, {"DISPLAY": ":0", "TERM": "xterm"})
    if works:
        assert kept.read_text() == "text"
        assert sent == []
    else:
        assert decoded(sent[0]) == "text"
