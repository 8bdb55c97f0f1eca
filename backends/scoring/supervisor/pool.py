"""The workers of one revision: started together, replaced when they end, or given up."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from backends.scoring.launch import Launch

from .job import Job, Reply
from .logs import Log
from .process import Worker
from .spawn import Spawned, spawn
from .status import PHASES, SERVING, Evidence

MAX_FAILED_STARTS = 5
"""Starts in a row that end before the worker is ready; then the revision has failed."""
PATIENCE_SECONDS = 10.0
"""How long a revision that has served is given to start a worker again, however often it fails."""
MAX_CRASHES = 10
"""Ready workers in a row that end without a single answer; then the revision has failed."""
RETRY_SECONDS = 30.0
"""A revision that failed by dying is still tried so often: what killed it may be gone."""
LONGEST_WAIT = 5.0


class Owner(Protocol):
    """Who is told about a pool."""

    def available(self, pool: "Pool", worker: Worker) -> None:
        """This worker takes a request now."""

    def unavailable(self, pool: "Pool", worker: Worker) -> None:
        """This worker takes none any more."""

    def changed(self, pool: "Pool") -> None:
        """Phase, ready count or failure are different."""

    def collected(self, meta: list[Any], body: bytes) -> None:
        """A script handed over rows for data collection."""


class Pool:
    """Workers are spawned by the constructor, before any loop runs; `attach` connects them."""

    def __init__(
        self,
        launch: Launch,
        app_root: Path,
        log: Log,
        serials: Callable[[], int],
        early: Sequence[Spawned] = (),
    ) -> None:
        """`early` are workers' processes that run already; the others are spawned now."""
        self.launch = launch
        self.app_root = app_root
        self.wanted = max(1, launch.workers)
        self.workers: list[Worker] = []
        self.failed = False
        self.was_ready = False
        self.reason = ""
        """Why the last worker ended."""
        self.evidence = Evidence()
        self.restarts = 0
        self.init_seconds = 0.0
        """What the last worker's import and `init()` took."""
        self.description: dict[str, Any] = {}
        """What a ready worker said of `run()`: mode, headers, input, output, versions."""
        self.draining = False
        self.empty = asyncio.Event()
        """Set when a draining pool has no worker left."""
        self._log = log
        self._serials = serials
        self._warming: dict[Worker, Reply | None] = {}
        """Answers to the sample, of workers that have not served yet."""
        self._failed_starts = 0
        self._failing_since = 0.0
        self._crashes = 0
        self._owner: Owner | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        for spawned in early:
            self._add(spawned)
        while len(self.workers) < self.wanted and not self.failed:
            self._spawn()

    async def attach(self, owner: Owner) -> None:
        """Connect to the running loop and tell `owner` from now on."""
        self._owner = owner
        for worker in list(self.workers):
            await worker.attach(self)
        if self.failed:
            self._later(RETRY_SECONDS)
            owner.changed(self)

    @property
    def ready(self) -> int:
        """How many workers take requests."""
        return sum(w.phase == SERVING and w.connected for w in self.workers)

    @property
    def complete(self) -> bool:
        """Every wanted worker takes requests."""
        return self.ready >= self.wanted

    @property
    def phase(self) -> str:
        """The phase of the worker that is least far."""
        phases = [worker.phase for worker in self.workers if worker.connected]
        return min(phases, key=PHASES.index) if phases else PHASES[0]

    @property
    def wants_headers(self) -> bool:
        """`run()` takes the request's headers."""
        return bool(self.description.get("headers"))

    @property
    def mode(self) -> str:
        """text, schema or raw; empty before the first worker is ready."""
        return str(self.description.get("mode", ""))

    def resize(self, count: int) -> None:
        """Have so many workers from now on."""
        self.wanted = max(1, count)
        self.launch = replace(self.launch, workers=self.wanted)  # who share the cores
        for worker in self.workers[self.wanted :]:
            if not worker.jobs and not worker.stopping:
                self._retire(worker)
        self._fill()

    def drain(self) -> None:
        """Let every worker finish its request and end."""
        self.draining = True
        for timer in self._timers:
            timer.cancel()
        for worker in self.workers:
            if not worker.jobs:
                worker.stop()
        if not self.workers:
            self.empty.set()

    def kill(self, reason: str) -> None:
        """End every worker now."""
        self.draining = True
        for worker in self.workers:
            worker.kill(reason)

    # What a worker tells

    def phase_changed(self, worker: Worker) -> None:
        """Pass on."""
        self._changed(worker)

    def started(self, worker: Worker) -> None:
        """Warm it with the sample, or let it serve."""
        sample = self.launch.sample
        self.description = worker.description
        self.init_seconds = worker.init_seconds
        if self.draining:
            worker.stop()
        elif sample is None:
            self._serve(worker)
        else:
            meta = ("warm-up", "POST", "/score", "application/json", "application/json")
            job = Job(meta, [], sample.encode(), lambda reply: self._tasted(worker, reply))
            self._warming[worker] = None
            worker.start([job])
            self._changed(worker)

    def idle(self, worker: Worker) -> None:
        """It finished its warm-up, or requests; it may have others."""
        if worker in self._warming:
            self._warmed(worker)
        elif self.draining or (len(self.workers) > self.wanted and self._staying > self.wanted):
            if not worker.jobs:
                self._retire(worker)
        else:
            self._failed_starts = self._crashes = 0
            self._available(worker)

    def lost(self, worker: Worker) -> None:
        """Its connection is gone."""
        self._warming.pop(worker, None)
        if self._owner is not None:
            self._owner.unavailable(self, worker)

    def ended(self, worker: Worker) -> None:
        """Forget it, and start another unless that makes no sense any more."""
        self.workers.remove(worker)
        if self.draining:
            if not self.workers:
                self.empty.set()
            return
        if worker.stopping:
            self._fill()
            return
        self.reason, self.evidence = worker.reason, worker.evidence
        self._log.line(
            f"worker {worker.serial} (process {worker.pid}) ended in {worker.evidence.stage}: "
            f"{worker.reason}",
            level="ERROR",
        )
        self._replace(worker)
        self._changed(worker)

    def collected(self, meta: list[Any], body: bytes) -> None:
        """Pass on."""
        if self._owner is not None:
            self._owner.collected(meta, body)

    # Inside

    @property
    def _staying(self) -> int:
        return sum(not worker.stopping for worker in self.workers)

    def _spawn(self) -> None:
        try:
            spawned = spawn(self.launch, self.app_root)
        except OSError as error:
            self._not_spawned(error)
        else:
            self._add(spawned)

    def _not_spawned(self, error: OSError) -> None:
        """Once it ran, the machine is short of something: that passes."""
        self.failed = not self.was_ready
        self.reason = f"the worker cannot be started: {error}"
        self.evidence = Evidence(stage="import", event=str(error))
        self._log.line(self.reason, level="ERROR")
        if self._owner is not None:
            self._later(RETRY_SECONDS if self.failed else LONGEST_WAIT)

    def _add(self, spawned: Spawned) -> None:
        worker = Worker(self._serials(), self.launch, self.app_root, self._log, spawned)
        self.workers.append(worker)
        if self._owner is not None:
            task = asyncio.get_running_loop().create_task(worker.attach(self))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _fill(self) -> None:
        while not self.draining and self._staying < self.wanted:
            before = len(self.workers)
            self._spawn()
            if len(self.workers) == before:
                break
        if self._owner is not None:
            self._owner.changed(self)

    def _replace(self, worker: Worker) -> None:
        """Start another worker: at once after one that answered, later after each that did not."""
        if worker.phase != SERVING:
            self._count_failed_start()
            final = worker.failed_start and not self.was_ready
            self.failed = final or (self._out_of_patience and not self.ready)
            if final:
                self.kill(self.reason)
                return
        else:
            self._crashes = 0 if worker.answered else self._crashes + 1
            self.failed = self._crashes >= MAX_CRASHES and not self.ready
        self.restarts += 1
        tries = self._failed_starts + self._crashes
        wait = min(LONGEST_WAIT, 0.05 * 2**tries) if tries > 1 else 0.0
        self._later(RETRY_SECONDS if self.failed else wait)

    def _count_failed_start(self) -> None:
        if not self._failed_starts:
            self._failing_since = asyncio.get_running_loop().time()
        self._failed_starts += 1

    @property
    def _out_of_patience(self) -> bool:
        if self._failed_starts < MAX_FAILED_STARTS:
            return False
        failing = asyncio.get_running_loop().time() - self._failing_since
        return not self.was_ready or failing >= PATIENCE_SECONDS

    def _later(self, seconds: float) -> None:
        if not seconds:
            self._fill()
            return

        def fire() -> None:
            self._timers.discard(timer)
            self._fill()

        timer = asyncio.get_running_loop().call_later(seconds, fire)
        self._timers.add(timer)

    def _tasted(self, worker: Worker, reply: Reply) -> None:
        if reply.parts is not None:
            reply.parts.abandon()
        self._warming[worker] = reply
        if not worker.jobs:
            self._warmed(worker)

    def _warmed(self, worker: Worker) -> None:
        """Judge the answer, when there is one and the worker has nothing more to do for it."""
        reply = self._warming[worker]
        if reply is None:
            return
        del self._warming[worker]
        if reply.status >= 500:
            worker.failed_start = True
            worker.reason = f"the sample request was answered with {reply.status}"
            worker.kill(worker.reason)
            return
        if reply.status >= 400:
            self._log.line(
                f"the sample request was answered with {reply.status}: {reply.body[:500]!r}",
                level="WARNING",
            )
        self._serve(worker)

    def _serve(self, worker: Worker) -> None:
        worker.phase = SERVING
        self.was_ready = True
        self.failed = False
        self._failed_starts = 0
        self._log.line(f"worker {worker.serial} (process {worker.pid}) is ready")
        self._available(worker)
        self._changed(worker)

    def _available(self, worker: Worker) -> None:
        if self._owner is not None:
            self._owner.available(self, worker)

    def _retire(self, worker: Worker) -> None:
        if self._owner is not None:
            self._owner.unavailable(self, worker)
        worker.stop()

    def _changed(self, worker: Worker) -> None:
        del worker
        if self._owner is not None:
            self._owner.changed(self)
