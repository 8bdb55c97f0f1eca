"""How an answer to a request reads. Pure."""

import json
import re
from collections.abc import Sequence

from backends.requests.history import Exchange
from backends.requests.records import Answer
from console import present
from console.app.widgets.rows import Column, Row
from console.app.widgets.text_view import Line, json_line
from console.present import NOTHING, Cell, Tone
from console.printable import printable

HISTORY = (
    Column(title="WHEN", width=8),
    Column(title="STATUS", width=16),
    Column(title="TOOK", width=8, right=True),
    Column(title="SIZE", width=7, right=True, rank=2),
    Column(title="BODY", width=16, weight=1, rank=1),
)
PRETTY_BYTES = 4 * 1024 * 1024
"""Longer answers are shown as they came."""


_NUMBERS = re.compile(r"\[\n\s*([^\[\]{}\"]*?)\n\s*\]")  # no string holds a line feed


def head(answer: Answer) -> list[Line]:
    """Status and time; where the time went on the way; where in the server."""
    timing = answer.timing
    reason = f" {answer.reason}" if answer.reason else ""
    status = (
        Cell(f"{_glyph(answer.status)} {answer.status}{reason}", tone(answer.status)),
        Cell(f"   {present.took(timing.total / 1000)}"),
    )
    way = [("connect", timing.connect), ("wait", timing.wait), ("read", timing.read)]
    inside = [("queue", timing.queue), ("run", timing.run)]
    found: list[Line] = [status, [*_parts(way), Cell("ms", Tone.DIM)]]
    if timing.queue is not None or timing.run is not None:
        found.append([*_parts(inside), Cell("ms in the server", Tone.DIM)])
    return found


def tone(code: int) -> Tone:
    """What a status means."""
    if code < 300:
        return Tone.GOOD
    return Tone.WARN if code < 500 else Tone.BAD


def lines(answer: Answer, *, headers: bool) -> list[Line]:
    """The body, indented when it is JSON; before it the headers when they are wanted."""
    found: list[Line] = []
    if headers:
        found = [(Cell(f"{name}: ", Tone.DIM), Cell(value)) for name, value in answer.headers]
        found.append(())
    text = pretty(answer.body)
    if text is not None:
        return [*found, *(json_line(line) for line in text.split("\n"))]
    plain = printable(answer.body.decode(errors="replace"))
    return [*found, *((Cell(line),) for line in plain.split("\n"))]


def pretty(body: bytes) -> str | None:
    """The body as indented JSON; None when it is none."""
    if len(body) > PRETTY_BYTES:
        return None
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return printable(_NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text))


def row(place: int, exchange: Exchange) -> Row:
    """An exchange as the history shows it."""
    answer = exchange.answer
    body = " ".join(printable(exchange.request.body[:200]).split())
    cells = (
        Cell(present.clock_time(answer.at), Tone.DIM),
        Cell(f"{_glyph(answer.status)} {answer.status} {answer.reason}", tone(answer.status)),
        Cell(present.took(answer.timing.total / 1000)),
        Cell(present.size(len(answer.body)), Tone.DIM),
        Cell(body or NOTHING, Tone.DIM),
    )
    return Row(str(place), cells)


def saved_row(name: str, body: str) -> Row:
    """A saved request as the history shows it."""
    text = " ".join(printable(body[:200]).split())
    cells = (
        Cell("saved", Tone.ACCENT),
        Cell(name),
        Cell(""),
        Cell(""),
        Cell(text or NOTHING, Tone.DIM),
    )
    return Row(f"saved {name}", cells)


def _glyph(code: int) -> str:
    return {Tone.GOOD: "●", Tone.WARN: "▲", Tone.BAD: "✖"}[tone(code)]


def _parts(parts: Sequence[tuple[str, float | None]]) -> list[Cell]:
    cells = []
    for name, milliseconds in parts:
        value = NOTHING if milliseconds is None else f"{milliseconds:.1f}"
        cells += [Cell(f"{name} ", Tone.DIM), Cell(f"{value} ")]
    return cells
