"""Figures of a benchmark: ours and a reference, in turn, so that a noisy machine hits both."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

ROUNDS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Seconds of ours and of the reference, pair by pair."""

    what: str
    reference: str
    allowed: float
    """Largest ratio that is asked for."""
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median of the pairs' ratios."""
        return median(a / b for a, b in zip(self.ours, self.theirs, strict=True))


def compare(
    what: str,
    ours: Callable[[], float],
    reference: str,
    theirs: Callable[[], float],
    *,
    allowed: float,
    rounds: int = ROUNDS,
) -> Figure:
    """Time both in turn; each callable returns the seconds that it measured."""
    ours(), theirs()  # one of each to warm the caches
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    mine, other = zip(*pairs, strict=True)
    return Figure(what=what, reference=reference, allowed=allowed, ours=mine, theirs=other)


def command(*words: str, env: Mapping[str, str] | None = None) -> Callable[[], float]:
    """A whole process, from its start to its end."""

    def run() -> float:
        began = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True, env=env or dict(os.environ))
        return time.perf_counter() - began

    return run


def python(code: str, *arguments: str, env: Mapping[str, str] | None = None) -> Callable[[], float]:
    """A Python process that runs `code`."""
    return command(sys.executable, "-c", code, *arguments, env=env)


def show(figure: Figure) -> str:
    """One line: medians, ratio, and what is asked."""
    mine, other = median(figure.ours) * 1000, median(figure.theirs) * 1000
    verdict = "within" if figure.ratio <= figure.allowed else "OVER"
    return (
        f"{figure.what:<52} {mine:8.1f} ms | {figure.reference:<44} {other:8.1f} ms |"
        f" ratio {figure.ratio:5.2f} ({spread(figure)}) {verdict} {figure.allowed:g}"
    )


def spread(figure: Figure) -> str:
    """Smallest and largest ratio of a pair."""
    ratios: Sequence[float] = [a / b for a, b in zip(figure.ours, figure.theirs, strict=True)]
    return f"{min(ratios):.2f}..{max(ratios):.2f}"
