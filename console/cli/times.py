"""Moments as text, and text as moments: always UTC."""

from datetime import UTC, datetime

from backends.errors import InvalidInput

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def iso(moment: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 without a zone, as Azure ML v1 prints times."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def clock(moment: float) -> str:
    """The same to the millisecond and with its zone, for log lines."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def moment(text: str, *, now: float) -> float:
    """Seconds since the epoch of a time (ISO 8601, UTC when it names no zone) or an age (`10m`).

    Raises:
        InvalidInput: the text is neither.
    """
    number, unit = text[:-1], text[-1:]
    if number.replace(".", "", 1).isdecimal() and unit in _UNITS:
        return now - float(number) * _UNITS[unit]
    try:
        found = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise InvalidInput(
            f"'{text}' is neither a time nor an age.",
            fix="Write an age (30s, 10m, 2h, 7d) or a time (2026-01-31T12:00:00).",
        ) from wrong
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
