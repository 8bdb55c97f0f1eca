"""A container as a log or state stream sees it: which life of it runs, and whether it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.engines.engine import Engine
from backends.errors import NotFound
from backends.targets.stamps import stamp_ns

_EARLY = 5_000_000_000
"""Nanoseconds before the noted start at which a process may have written already: a busy engine
notes it late."""
_EARLY_OF_ENDED = 2_000_000_000
"""The same for a container that has ended: when the life before did is not told any more."""
_GOING_ON = frozenset({"running", "restarting", "paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One look at a container."""

    id: str
    name: str
    status: str
    """The engine's word: created, running, paused, restarting, removing, exited, dead."""
    exit_code: int
    started: int
    """Nanoseconds since the epoch; 0 before the first start."""
    finished: int
    """When the life before ended, or this one if it is over; 0 while there was none."""
    terminal: bool
    labels: Mapping[str, str]

    @property
    def goes_on(self) -> bool:
        """It may write more."""
        return self.status in _GOING_ON

    @property
    def life(self) -> int:
        """From when on its lines are those of the newest life, nanoseconds since the epoch."""
        if not self.finished:
            return 0
        if self.finished < self.started:
            return self.started - min(_EARLY, (self.started - self.finished) * 3 // 4)
        return max(0, self.started - _EARLY_OF_ENDED)


def instance_from(data: Mapping[str, Any]) -> Instance:
    """What `GET /containers/{id}/json` says."""
    state, config = data.get("State") or {}, data.get("Config") or {}
    return Instance(
        id=str(data.get("Id") or ""),
        name=str(data.get("Name") or "").lstrip("/"),
        status=str(state.get("Status") or ""),
        exit_code=int(state.get("ExitCode") or 0),
        started=_time(state.get("StartedAt")),
        finished=_time(state.get("FinishedAt")),
        terminal=bool(config.get("Tty")),
        labels=dict(config.get("Labels") or {}),
    )


async def look(engine: Engine, container: str) -> Instance | None:
    """The container now; None when it is gone.

    Raises:
        PilothouseError: the engine could not be asked.
    """
    try:
        data = await engine.call(
            f"look at the container {container[:12]}",
            lambda client: client.inspect_container(container),
        )
    except NotFound:
        return None
    return instance_from(data)


def _time(text: object) -> int:
    """Nanoseconds since the epoch; 0 for the engine's word for never."""
    return max(0, stamp_ns(str(text).encode("ascii", "replace")))
