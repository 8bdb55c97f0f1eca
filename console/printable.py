"""Text of many lines from outside, made safe to draw."""

import re

from console.present import UNPRINTABLE

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # control sequences, colours among them
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # strings
    r"|\x1b[ -/]*[0-~]?"  # everything shorter
)
_LINE_ENDS = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def printable(text: str) -> str:
    """The text without escape sequences and control characters; tabs are spaces.

    Line feeds stay; a carriage return is one, so that nothing is hidden by overwriting it.
    Sequences (ECMA-48: CSI, OSC, DCS, SOS, PM, APC) go with what they carry.
    """
    if text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", _ESCAPES.sub("", text)).expandtabs(8)
    return "\n".join(UNPRINTABLE.sub("", line) for line in text.split("\n"))
