"""How a log's items read: pieces of text and what they mean, no terminal needed."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from rich.cells import cell_len

from backends.targets.records import Gap, LogLine
from console.app.widgets.log_spool import LogItem
from console.present import Cell, Tone, count, took
from console.printable import printable

LONGEST = 2_000
"""Characters of a line that are drawn; the rest is seen when it is opened."""
MOST_ROWS = 500
"""Rows of an opened line."""
INDENT = "  ┆ "

_JSON_LIMIT = 16_384
_MESSAGES = ("message", "msg", "event", "text")
_SHORT = {"WARNING": "WARN", "CRITICAL": "CRIT"}
_TONES = {
    "DEBUG": Tone.DIM,
    "WARNING": Tone.WARN,
    "ERROR": Tone.BAD,
    "CRITICAL": Tone.BAD,
}

Cells = list[Cell]


class Stamps(StrEnum):
    """What stands before a line."""

    CLOCK = "clock"
    SINCE = "since the line before"
    OFF = "off"


class Look(Struct, frozen=True):
    """How lines are drawn."""

    stamps: Stamps
    tags: dict[str, str]
    """Letter of each replica; not drawn while there is one."""
    width: int
    """Cells from the left to the right edge."""


def prefix(line: LogLine, before: float, look: Look) -> Cells:
    """Time, replica and level; `before` is the time of the line before."""
    cells = [Cell(_stamp(line.time, before, look.stamps), Tone.DIM)]
    if len(look.tags) > 1:
        cells.append(Cell(f"{look.tags.get(line.replica, '·')} ", Tone.ACCENT))
    tone = _TONES.get(line.level, Tone.DIM)
    cells.append(Cell(f"{_SHORT.get(line.level, line.level)[:5]:<5} ", tone))
    return cells


def prefix_width(look: Look) -> int:
    """Cells that `prefix` takes."""
    return len(_stamp(0.0, 0.0, look.stamps)) + (2 if len(look.tags) > 1 else 0) + 6


def prefix_cells(look: Look) -> int:
    """Pieces that `prefix` gives."""
    return 3 if len(look.tags) > 1 else 2


def message(line: LogLine) -> Cells:
    """The text on one row: a JSON object as its message and fields, more lines as their number."""
    first, feed, rest = line.text.partition("\n")
    tone = _TONES.get(line.level, Tone.PLAIN)
    parsed = _json(line.text)
    if isinstance(parsed, dict):
        return _summary(parsed, tone)
    cells = [Cell(first[:LONGEST], tone)]
    if len(first) > LONGEST:
        cells.append(Cell(f" ┆ {len(first) - LONGEST:,} more characters", Tone.DIM))
    if feed:
        cells.append(Cell(f" ┆ {count(rest.count(chr(10)) + 1, 'more line')}", Tone.DIM))
    return cells


def tail(line: LogLine) -> Cells:
    """What a request's line says at its right end."""
    cells = []
    if line.request_id:
        cells.append(Cell(f"  rid {line.request_id[:8]}", Tone.DIM))
    if line.duration_ms is not None:
        cells.append(Cell(f"  {took(line.duration_ms / 1000):>8}", Tone.DIM))
    return cells


def width(line: LogLine) -> int:
    """Cells of message and tail on one row."""
    return cells_width(message(line)) + cells_width(tail(line))


def cells_width(cells: Sequence[Cell]) -> int:
    """Cells that the pieces take side by side."""
    return sum(cell_len(cell.text) for cell in cells)


def row(line: LogLine, before: float, look: Look) -> Cells:
    """A line on one row, its tail at the right edge when there is room."""
    left = [*prefix(line, before, look), *message(line)]
    right = tail(line)
    gap = look.width - cells_width(left) - cells_width(right)
    return [*left, Cell(" " * max(gap, 0)), *right] if right else left


def marker(item: LogItem, look: Look) -> Cells:
    """A gap or the end of the stream, as a rule across the view."""
    if isinstance(item, LogLine):
        raise TypeError("a line is not a marker")
    text, tone = f"end: {item.reason}", Tone.DIM
    if isinstance(item, Gap):
        lost = "" if item.lost is None else f", {count(item.lost, 'line')} missing"
        text, tone = f"gap: {item.reason}{lost if item.lost else _none_lost(item)}", Tone.WARN
    rule = f"── {text} "
    return [Cell(rule + "─" * max(look.width - cell_len(rule), 2), tone)]


def detail(line: LogLine, look: Look) -> list[str]:
    """The rows beneath a line that is open: where it came from, then all of its text."""
    room = max(look.width - len(INDENT), 8)
    rows = fold(_origin(line), room)
    parsed = _json(line.text)
    if parsed is not None:
        text = printable(json.dumps(parsed, indent=2, ensure_ascii=False))
    else:
        first, _, rest = line.text.partition("\n")
        text = line.text if prefix_width(look) + cell_len(first) > look.width else rest
    for part in text.split("\n") if text else ():
        rows.extend(fold(part, room))
        if len(rows) > MOST_ROWS:
            return [*rows[:MOST_ROWS], "… the rest is left out here; y copies all of it"]
    return rows


def fold(text: str, room: int) -> list[str]:
    """The text cut into rows of at most `room` cells; wide characters stay whole."""
    return ["".join(cell.text for cell in part) for part in fold_cells([Cell(text)], room)]


def fold_cells(cells: Sequence[Cell], room: int) -> list[Cells]:
    """Pieces cut into rows of at most `room` cells."""
    rows: list[Cells] = [[]]
    left = room
    for cell in cells:
        text = cell.text
        while text:
            size = _fitting(text, left) or (left == room)
            if size:
                rows[-1].append(Cell(text[:size], cell.tone))
                left -= cell_len(text[:size])
                text = text[size:]
            if text:
                rows.append([])
                left = room
    return rows


def as_text(item: LogItem) -> str:
    """An item as it is saved and copied."""
    if not isinstance(item, LogLine):
        return "".join(cell.text for cell in marker(item, Look(Stamps.OFF, {}, 0)))
    stamp = datetime.fromtimestamp(item.time).astimezone().isoformat(timespec="milliseconds")
    request = f" rid={item.request_id}" if item.request_id else ""
    spent = f" {item.duration_ms:g} ms" if item.duration_ms is not None else ""
    return f"{stamp} {item.replica} {item.level} {item.text}{request}{spent}"


def _none_lost(gap: Gap) -> str:
    return "" if gap.lost is None else ", nothing missing"


def _stamp(moment: float, before: float, stamps: Stamps) -> str:
    if stamps is Stamps.OFF:
        return ""
    if stamps is Stamps.SINCE:
        passed = max(moment - before, 0.0)
        return f"{f'+{passed:.3f}':>10} "
    clock = datetime.fromtimestamp(moment).astimezone()
    return f"{clock:%H:%M:%S}.{clock.microsecond // 1000:03d} "


def _origin(line: LogLine) -> str:
    when = datetime.fromtimestamp(line.time).astimezone().isoformat(" ", "milliseconds")
    request = f"  rid {line.request_id}" if line.request_id else ""
    return f"{when}  {line.replica}  {line.stream}  boot {line.boot}  {line.sequence}{request}"


def _json(text: str) -> object:
    if not (text[:1] in "{[" and text[-1:] in "]}" and 1 < len(text) <= _JSON_LIMIT):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _summary(parsed: dict[str, object], tone: Tone) -> Cells:
    key = next((name for name in _MESSAGES if isinstance(parsed.get(name), str)), None)
    text = printable(str(parsed[key])).partition("\n")[0] if key else ""
    fields = printable("  ".join(_pairs(parsed, key))).replace("\n", " ")
    cells = [Cell(text[:LONGEST], tone)] if text else []
    if fields:
        cells.append(Cell(f"{'  ' if text else ''}{fields[:LONGEST]}", Tone.DIM))
    return cells


def _pairs(parsed: dict[str, object], besides: str | None) -> Iterator[str]:
    for name, value in parsed.items():
        if name != besides:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{name}={' '.join(shown.split())}"


def _fitting(text: str, room: int) -> int:
    """How many characters fit into `room` cells."""
    if text.isascii():
        return min(len(text), room)
    used = 0
    for place, character in enumerate(text):
        used += cell_len(character)
        if used > room:
            return place
    return len(text)
