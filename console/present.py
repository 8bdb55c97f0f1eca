"""Text for cells and badges: sizes, ages, states. Pure, and safe to draw."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from backends.targets.records import ServiceState

NOTHING = "─"
"""What an empty cell shows."""

UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
"""Control characters, and those that hide or reorder the text around them."""


class Tone(StrEnum):
    """What a piece of text means; a theme gives each a colour."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    ACCENT = "accent"
    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"


class Cell(Struct, frozen=True):
    """A piece of text and what it means."""

    text: str
    tone: Tone = Tone.PLAIN


STATES: Mapping[ServiceState, tuple[str, Tone]] = {
    ServiceState.HEALTHY: ("●", Tone.GOOD),
    ServiceState.TRANSITIONING: ("◐", Tone.BUSY),
    ServiceState.UNHEALTHY: ("▲", Tone.WARN),
    ServiceState.UNSCHEDULABLE: ("◌", Tone.WARN),
    ServiceState.FAILED: ("✖", Tone.BAD),
    ServiceState.STOPPED: ("○", Tone.DIM),
}


def plain(text: str) -> str:
    """`text` on one line, without anything that a terminal would act upon."""
    return UNPRINTABLE.sub("", text.replace("\t", "  ").replace("\n", " "))


def size(count: float) -> str:
    """Bytes in the unit that people read: `26 KB`, `1.2 MB` (of 1000)."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("KB", "MB", "GB", "TB"):
        count /= 1000
        if count < 9.95:
            return f"{count:.1f} {unit}"
        if count < 999.5:
            return f"{count:.0f} {unit}"
    return f"{count / 1000:.0f} PB"


def span(seconds: float) -> str:
    """A length of time in one unit: `45s`, `3m`, `2d`, `3mo`, `2y`."""
    steps = ((60, "s"), (60, "m"), (24, "h"), (30.4, "d"), (12, "mo"))
    value = max(seconds, 0.0)
    for limit, unit in steps:
        if value < limit:
            return f"{int(value)}{unit}"
        value /= limit
    return f"{int(value)}y"


def age(moment: float, now: float) -> str:
    """How long ago `moment` was, both in seconds since the epoch."""
    return span(now - moment)


def took(seconds: float) -> str:
    """How long something took: `0.8 ms`, `1.3 s`, `4m 05s`."""
    if seconds < 1:
        millis = seconds * 1000
        return f"{millis:.1f} ms" if millis < 100 else f"{millis:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02d}s"


def clock_time(moment: float) -> str:
    """Local time of day, to the second."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%H:%M:%S")


def date_time(moment: float) -> str:
    """Local date and time, to the minute."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def state(current: ServiceState, *, reachable: bool = True) -> Cell:
    """Glyph and word of a state; one that is only the last known carries `?`."""
    glyph, tone = STATES[current]
    if not reachable:
        return Cell(f"? {current}", Tone.DIM)
    return Cell(f"{glyph} {current}", tone)


def pairs(values: Mapping[str, str]) -> str:
    """`key=value` of a mapping, in order, with a space between."""
    return " ".join(
        f"{plain(key)}={plain(value)}" if value else plain(key) for key, value in values.items()
    )


def count(number: int, one: str, many: str = "") -> str:
    """`1 service`, `1,204 lines`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shape(dimensions: tuple[int | str, ...]) -> str:
    """A tensor's shape: `[1, 28, batch]`."""
    return f"[{', '.join(plain(str(size)) for size in dimensions)}]"
