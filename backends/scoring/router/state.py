"""What the router keeps for its next start: the sets of replicas, in a file that is replaced."""

import json
import time
from dataclasses import asdict
from pathlib import Path

from .table import Plan, Table

LISTENING = "listening"
NAME = "router.json"
"""In the router's folder: `{"revision", "upstreams", "coming"}`, the last null or such a set."""


def load(folder: Path, table: Table) -> None:
    """Go on with what was in use, and with what was to follow.

    Raises:
        ValueError: the file holds something else.
        OSError: it cannot be read.
    """
    path = folder / NAME
    if not path.exists():
        return
    data = json.loads(path.read_bytes())
    table.use(Plan.parse(data))
    if data.get("coming") is not None:
        table.use(Plan.parse(data["coming"]), when_ready=True)


def save(folder: Path, table: Table) -> None:
    """Replace the file at once.

    Raises:
        OSError: it cannot be written.
    """
    coming = asdict(table.coming) if table.coming is not None else None
    passing = folder / f"{NAME}~"
    passing.write_text(json.dumps({**asdict(table.plan), "coming": coming}), encoding="utf-8")
    passing.replace(folder / NAME)


def tell_listening(folder: Path) -> None:
    """Leave a file with the time, in seconds since the epoch, from which on clients are taken."""
    (folder / LISTENING).write_text(f"{time.time():.6f}", encoding="ascii")


def described(table: Table) -> dict[str, object]:
    """What `status` answers."""
    return {
        "revision": table.plan.revision,
        "upstreams": table.loads,
        "coming": asdict(table.coming) if table.coming is not None else None,
        "retiring": table.retiring,
    }
