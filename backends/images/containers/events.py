"""The engine's progress: JSON objects, a line each (pull, load, push, build)."""

import json
from collections.abc import AsyncGenerator
from typing import Any


async def events(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[dict[str, Any], None]:
    """The objects of a body that comes in pieces; what is no object is left out."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if event := _event(line):
                yield event
    if event := _event(rest):
        yield event


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
