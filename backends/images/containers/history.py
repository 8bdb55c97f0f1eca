"""What an image is made of: `GET /images/{name}/history`."""

import re
from typing import Any

from msgspec import Struct

from backends.engines.engine import Engine

_SHELL = re.compile(r"^(?:/bin/sh -c )?(?:#\(nop\)\s*)?|\s+# buildkit$")


class ImageLayer(Struct, frozen=True, kw_only=True):
    """One layer of an image."""

    made_by: str
    """The instruction or command that made it, or what its maker called it."""
    size: int
    """Bytes that it added."""
    created: float
    """Seconds since the epoch."""


async def image_layers(engine: Engine, reference: str) -> tuple[ImageLayer, ...]:
    """The layers, the newest first.

    Raises:
        NotFound: there is no such image.
    """

    def ask(client: Any) -> tuple[ImageLayer, ...]:
        return tuple(
            ImageLayer(
                made_by=str(
                    entry.get("Comment") or _SHELL.sub("", str(entry.get("CreatedBy") or ""))
                ),
                size=int(entry.get("Size") or 0),
                created=float(entry.get("Created") or 0),
            )
            for entry in client.history(reference)
        )

    return await engine.call(f"look at the image {reference}", ask)
