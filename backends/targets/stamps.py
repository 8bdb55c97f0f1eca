"""Times that engines and clusters put before a line: RFC 3339 with up to nine digits."""

import re
from datetime import datetime
from functools import lru_cache

SECOND = 1_000_000_000
"""Nanoseconds."""
_STAMP = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?", re.ASCII
)


def split_stamp(piece: bytes) -> tuple[bytes, bytes]:
    """The stamp at its start, with the space after it, and what follows; an empty one if none."""
    found = _STAMP.match(piece)
    return (found[0], piece[found.end() :]) if found else (b"", piece)


def stamp_ns(stamp: bytes) -> int:
    """Such a time in nanoseconds since the epoch; 0 when it is none."""
    found = _STAMP.match(stamp)
    if found is None:
        return 0
    return _seconds(found[1], found[3]) * SECOND + int((found[2] or b"0").ljust(9, b"0"))


@lru_cache(maxsize=64)
def _seconds(moment: bytes, zone: bytes) -> int:
    text = moment.decode() + ("+00:00" if zone == b"Z" else zone.decode())
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return 0
