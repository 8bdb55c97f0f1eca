"""How often one answer is asked for again before its reader is told that there is none."""

import asyncio

from backends.engines.engine import EngineCut
from backends.errors import Unavailable
from backends.targets.backoff import Backoff

_CUTS = 30
"""Answers that may break off."""
_SILENCES = 3
"""Times in a row that no answer may come at all."""


class Patience:
    """For one thing that is to be read whole."""

    def __init__(self) -> None:
        self._cuts = self._silences = 0
        self._backoff = Backoff()

    async def wait(self, error: Unavailable) -> None:
        """Wait before the next try.

        Raises:
            Unavailable: this very error, when it is no use.
        """
        cut = isinstance(error, EngineCut)
        self._cuts += cut
        self._silences = 0 if cut else self._silences + 1
        if self._cuts > _CUTS or self._silences > _SILENCES:
            raise error
        await asyncio.sleep(self._backoff.pause())
