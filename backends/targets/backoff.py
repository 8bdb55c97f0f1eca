"""How long to wait before trying again: longer each time, and never all at once."""

import random
import time


class Backoff:
    """Full jitter between nothing and a limit that doubles; a good while starts it anew."""

    def __init__(self, *, first: float = 0.5, most: float = 30.0, good: float = 60.0) -> None:
        self._first = self._limit = first
        self._most = most
        self._good = good
        self._began = 0.0

    def began(self) -> None:
        """A connection stands; it counts as good if it holds long enough."""
        self._began = time.monotonic()

    def pause(self) -> float:
        """Seconds to wait now."""
        if self._began and time.monotonic() - self._began >= self._good:
            self._limit = self._first
        self._began = 0.0
        pause = random.uniform(0.0, self._limit)  # noqa: S311 - spreads load, guards nothing
        self._limit = min(self._limit * 2, self._most)
        return pause
