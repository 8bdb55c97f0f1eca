"""Under load for as long as it takes: killed workers, memory after swaps.

`PILOTHOUSE_KILL_SECONDS` (default 4) is how long workers are killed, every tenth of a second;
`PILOTHOUSE_MEMORY_SWAPS` (default 12) is how many large models take over from each other.
"""

import concurrent.futures
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

import httpx
import psutil
import pytest

from tests.support.scoring_server import DEADLINE, Server, until

Serve = Callable[..., Server]
KILL_SECONDS = float(os.environ.get("PILOTHOUSE_KILL_SECONDS", "4"))
MEMORY_SWAPS = int(os.environ.get("PILOTHOUSE_MEMORY_SWAPS", "12"))

WORK = """
import os, time
def init(): pass
def run(data):
    time.sleep(0.005)
    return [data, os.getpid()]
"""


class Clients:
    """Each posts its own numbers one after the other and counts what comes back."""

    def __init__(self, url: str, count: int) -> None:
        self.seen: Counter[object] = Counter()
        self._url = url
        self._over = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(count)
        self._tasks = [self._pool.submit(self._post, number) for number in range(count)]

    def _post(self, number: int) -> None:
        url, sent = f"{self._url}/score", 0
        with httpx.Client(timeout=DEADLINE) as session:
            while not self._over.is_set():
                sent += 1
                text = f"{number}-{sent}"
                try:
                    answer = session.post(url, content=text)
                except httpx.HTTPError as error:
                    self.seen[type(error)] += 1
                    continue
                right = answer.status_code != 200 or answer.json()[0] == text
                self.seen[answer.status_code if right else "another's answer"] += 1

    def stop(self) -> Counter[object]:
        """What was seen by all of them."""
        self._over.set()
        for task in self._tasks:
            task.result(DEADLINE)
        self._pool.shutdown()
        return self.seen


@pytest.mark.timeout(120 + KILL_SECONDS)
def test_a_worker_killed_every_tenth_of_a_second_fails_only_what_was_in_flight_in_it(
    serve: Serve,
) -> None:
    server = serve(WORK, workers=2, concurrency=2, queue_wait_ms=20_000)
    server.wait("Healthy", ready=2)
    clients, chance, kills = Clients(server.url, 4), random.Random(1), 0
    end = time.monotonic() + KILL_SECONDS
    while time.monotonic() < end:
        status = server.status()
        if status["ready"]:
            try:
                os.kill(chance.choice(status["workers"]), signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
        time.sleep(0.1)  # the pace of the kills is what is asked for
    seen = clients.stop()
    print(f"{kills} kills, answers: {dict(seen)}")
    assert set(seen) <= {200, 502}
    assert 0 < seen[502] <= kills
    assert seen[200] > kills
    server.wait("Healthy", ready=2)


HELD = 64 * 1024 * 1024
LARGE = f"""
def init():
    global model
    model = bytearray(b"x" * {HELD})
def run(data): return [data, len(model)]
"""
SUPERVISOR_GROWTH = 8 * 1024 * 1024
"""What logs in passing, caches and the allocator may take, bytes."""


def resident(processes: list[psutil.Process]) -> int:
    return sum(process.memory_info().rss for process in processes)


@pytest.mark.timeout(120 + 2 * MEMORY_SWAPS)
def test_the_memory_of_a_replaced_model_comes_back(serve: Serve) -> None:
    server = serve(LARGE, sample="{}", queue_wait_ms=20_000)
    clients = Clients(server.url, 2)
    early = 0
    for revision in range(2, MEMORY_SWAPS + 2):
        path = server.launch_file(f"launch{revision}.json", revision=revision)
        assert server.ask(op="swap", launch=str(path)) == {"ok": True}
        server.wait("Healthy", serving=revision)
        if revision == 4:
            early = resident(server.family()[:1])
    assert set(clients.stop()) == {200}
    until(lambda: len(server.family()) == 2, "the end of the old workers")
    supervisor, worker = server.family()
    grown = resident([supervisor]) - early
    print(f"{MEMORY_SWAPS} swaps, supervisor grew by {grown / 1e6:.1f} MB")
    assert grown < SUPERVISOR_GROWTH
    assert resident([worker]) < 2 * HELD


def test_swaps_asked_faster_than_they_load_end_with_the_last(serve: Serve) -> None:
    server = serve(WORK, queue_wait_ms=20_000, sample="{}")
    clients, last = Clients(server.url, 2), 21
    for revision in range(2, last + 1):
        path = server.launch_file(f"launch{revision}.json", revision=revision)
        assert server.ask(op="swap", launch=str(path)) == {"ok": True}
    status = server.wait("Healthy", serving=last)
    assert set(clients.stop()) == {200}
    until(lambda: len(server.family()) == 2, "the end of every worker that was not wanted")
    assert status["rolling_out"] is None
    assert not [line for line in server.log() if line["level"] == "ERROR"]
