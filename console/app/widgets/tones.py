"""Tones in the theme's colours."""

from collections.abc import Sequence

from textual.content import Content

from console.present import Cell, Tone, plain

TONES = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.DIM: "$dim",
    Tone.ACCENT: "bold $accent",
    Tone.GOOD: "$good",
    Tone.BUSY: "$busy",
    Tone.WARN: "$warn",
    Tone.BAD: "$bad",
}
"""A style for each tone."""


def styled(cells: Sequence[Cell]) -> Content:
    """Pieces of text side by side, each in its tone."""
    return Content.assemble(*((plain(cell.text), TONES[cell.tone]) for cell in cells))
