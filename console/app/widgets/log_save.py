"""A log written to a file, as it is shown."""

import asyncio
from pathlib import Path

from backends.errors import InvalidInput
from backends.targets.records import LogLine
from console.app.widgets import log_paint
from console.app.widgets.log_query import SLICE, LogSearch
from console.app.widgets.log_spool import LogSpool


async def save(spool: LogSpool, kept: LogSearch | None, path: Path) -> int:
    """Write the lines that `kept` lets through, and every marker; returns how many.

    Raises:
        InvalidInput: the file can't be written.
    """
    written, start, end = 0, spool.first, spool.end
    try:
        with path.open("w", encoding="utf-8") as file:
            while start < end:
                lines = _texts(spool, kept, start, min(start + SLICE, end))
                file.writelines(lines)
                written += len(lines)
                start += SLICE
                await asyncio.sleep(0)
    except OSError as error:
        raise InvalidInput(
            f"The log was not saved to {path}: {error.strerror}.", fix="Choose another file."
        ) from error
    return written


def _texts(spool: LogSpool, kept: LogSearch | None, start: int, end: int) -> list[str]:
    return [
        f"{log_paint.as_text(item)}\n"
        for _number, item in spool.scan(start, end)
        if not (kept and isinstance(item, LogLine)) or kept.matches(item)
    ]
