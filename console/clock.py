"""The console's clock: handed in, so that screens can be drawn at a fixed moment."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since the epoch."""

system_clock: Clock = time.time
