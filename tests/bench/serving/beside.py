"""Both servers in turn at 1, 8 and 64 connections, with one worker each and with two."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from . import load, ours, script, theirs
from .load import Run

CONNECTIONS = (1, 8, 64)
ROUNDS = 5
SECONDS = 3.0
ASKED = {1: 5.0, 2: 2.5}
"""Ratio of requests per second at 8 connections, by workers."""
ASKED_LATE = 0.5
"""Ratio of the 99th percentiles at 8 connections."""
ASKED_ADDED = 250.0
"""Microseconds at 1 connection over `run()` alone."""
ASKED_MEMORY = 45e6
HEAD = (
    f"{'':26}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'cpu us/request: first':>23}"
    f"{'workers':>9}{'MB':>6}"
)

Pair = tuple[Run, Run]


def measure() -> Iterator[str]:
    """The table, then what is asked and what was found."""
    load.check()
    python = theirs.venv() / "bin/python"
    verdicts: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app, model = script.lay_out(folder)
        yield f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        yield HEAD
        for workers in (1, 2):
            for connections, pairs, alone in _sitting(folder, app, model, python, workers):
                yield from _rows(workers, connections, pairs)
                verdicts += _verdicts(workers, connections, pairs, alone)
    yield from verdicts


def _sitting(
    folder: Path, app: Path, model: Path, python: Path, workers: int
) -> Iterator[tuple[int, list[Pair], float]]:
    """Both run all the time and are loaded in turn, so that what disturbs one disturbs both."""
    settings = {"workers": workers, "concurrency": workers, "interpreter": str(python)}
    with (
        theirs.running(app, model, workers) as (url, top),
        ours.running(folder, script.SCRIPT, **settings) as server,
    ):
        mine = server.family()[0]
        for connections in CONNECTIONS:

            def one(c: int = connections) -> Run:
                return load.run(server.url, mine, folder, c, SECONDS)

            def other(c: int = connections) -> Run:
                return load.run(url, top, folder, c, SECONDS)

            alone = script.alone(python, app, model)
            yield connections, _in_turn(one, other), alone


def _in_turn(one: Callable[[], Run], other: Callable[[], Run]) -> list[Pair]:
    one(), other()
    pairs = []
    for turn in range(ROUNDS):
        if turn % 2:
            second = other()
            pairs.append((one(), second))
        else:
            pairs.append((one(), other()))
    return pairs


def _rows(workers: int, connections: int, pairs: Sequence[Pair]) -> Iterator[str]:
    what = f"{workers} worker{'s' if workers > 1 else ' '} {connections:3} conn."
    for who, runs in (("ours", [a for a, _ in pairs]), ("azmlinfsrv", [b for _, b in pairs])):
        failed = sum(run.failed for run in runs)
        yield (
            f"{what} {who:<11}{_middle(runs, 'rate'):10.0f}{_middle(runs, 'half') / 1000:9.2f}"
            f"{_middle(runs, 'late') / 1000:9.2f}{_middle(runs, 'front'):23.0f}"
            f"{_middle(runs, 'workers'):9.0f}{_middle(runs, 'memory') / 1e6:6.0f}"
            + (f"  {failed} FAILED" if failed else "")
        )


def _middle(runs: Sequence[Run], what: str) -> float:
    return float(median(getattr(run, what) for run in runs))


def _ratios(pairs: Sequence[Pair], what: str) -> list[float]:
    return [getattr(a, what) / getattr(b, what) for a, b in pairs]


def _verdicts(workers: int, connections: int, pairs: Sequence[Pair], alone: float) -> Iterator[str]:
    what = f"{workers} worker{'s' if workers > 1 else ''}, {connections} connections"
    rate, late = _ratios(pairs, "rate"), _ratios(pairs, "late")
    if connections == 8:
        asked = ASKED[workers]
        yield _verdict(f"{what}: requests/s over theirs", rate, asked, median(rate) >= asked)
        yield _verdict(f"{what}: p99 over theirs", late, ASKED_LATE, median(late) <= ASKED_LATE)
        memory = [run.memory / 1e6 for run, _ in pairs]
        most = ASKED_MEMORY / 1e6
        yield _verdict(f"{what}: supervisor, MB", memory, most, median(memory) < most)
        return
    yield _verdict(f"{what}: requests/s over theirs", rate, None, True)
    if connections == 1:
        added = [run.half - alone for run, _ in pairs]
        yield _verdict(
            f"{what}: us over run() alone ({alone:.0f} us)",
            added,
            ASKED_ADDED,
            median(added) < ASKED_ADDED,
        )


def _verdict(what: str, values: Sequence[float], asked: float | None, good: bool) -> str:
    found = f"{what:<56}{median(values):8.2f} ({min(values):.2f}..{max(values):.2f})"
    return found if asked is None else f"{found} asked {asked:g}: {'within' if good else 'MISSED'}"
