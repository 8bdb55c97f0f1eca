"""The little colour that the command line uses."""

import os
import re
from typing import TextIO

import click

from console.cli.text import printable

_TOKENS = re.compile(
    r'(?P<key>"(?:\\.|[^"\\])*"(?=\s*:))|(?P<text>"(?:\\.|[^"\\])*")|(?P<word>\b(?:true|false|null)\b)'
)
_COLOURS = {"key": "cyan", "text": "green", "word": "magenta"}


def wants_colour(stream: TextIO) -> bool:
    """A terminal that understands colour, and nobody said NO_COLOR (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: TextIO) -> str:
    """The text in a colour, if it is given one and the stream shows colours."""
    return click.style(text, fg=colour) if colour and wants_colour(stream) else text


def coloured_json(text: str) -> str:
    """JSON with its keys, strings and words coloured, for a terminal; plain elsewhere."""
    import sys

    if not wants_colour(sys.stdout):
        return text

    def dye(match: re.Match[str]) -> str:
        assert match.lastgroup
        return click.style(match.group(), fg=_COLOURS[match.lastgroup])

    return _TOKENS.sub(dye, printable(text))
