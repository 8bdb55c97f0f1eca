"""One worker process: its start, its present request, its end and the evidence of it."""

import asyncio
import itertools
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from backends.scoring.launch import Launch
from backends.scoring.worker import wire

from . import memory, postmortem
from .job import JSON_TYPE, Job, Parts, Reply
from .link import Link
from .logs import Log
from .pipes import PipeReader
from .spawn import Spawned
from .status import IMPORTING, INIT, SERVING, WARM_UP, Evidence

LATE_SECONDS = 0.5
"""How long a `run()` that was given up may still come back before its worker is killed."""
QUICK_MS = 1.0
QUICK_RUNS = 16
"""After so many runs in a row that took less than `QUICK_MS`, a worker is given requests ahead."""
AHEAD = 3
"""Requests that lie with a quick worker while it runs another: it need not be woken for them."""
PIPE_SECONDS = 1.0
"""How long a dead worker's pipes are read for its last words; its children may hold them open."""


class Owner(Protocol):
    """Who is told what a worker does."""

    def phase_changed(self, worker: "Worker") -> None:
        """It is further in its start."""

    def started(self, worker: "Worker") -> None:
        """It can take requests; it has not been warmed."""

    def idle(self, worker: "Worker") -> None:
        """It finished a request, or several; those that it was given ahead may be left."""

    def lost(self, worker: "Worker") -> None:
        """It takes no requests any more."""

    def collected(self, meta: list[Any], body: bytes) -> None:
        """Its script handed over rows for data collection."""

    def ended(self, worker: "Worker") -> None:
        """It is gone; `worker.evidence` says why."""


class Worker:
    """A process that runs and loads already; `attach` connects it to the running loop."""

    def __init__(
        self, serial: int, launch: Launch, app_root: Path, log: Log, spawned: Spawned
    ) -> None:
        self.serial = serial
        self.phase = IMPORTING
        self.description: dict[str, Any] = {}
        self.evidence = Evidence()
        self.reason = ""
        self.init_seconds = 0.0
        """What import and `init()` took."""
        self.failed_start = False
        """Import, `init()` or the warm-up failed in a way that another try would not change."""
        self.answered = 0
        self.jobs: deque[Job] = deque()
        """The first one runs; the others were sent ahead and have not begun."""
        self.batch = 0
        """How many requests its script takes in one call; 0 when it takes one after the other."""
        self.alive = True
        self.connected = True
        self.stopping = False
        self._launch = launch
        self._app_root = app_root
        self._log = log
        self._killed = ""
        self._parts: Parts | None = None
        self._replies: list[tuple[Job, Reply]] = []
        self._quick = 0
        """Runs in a row that were quick."""
        self._oom_before = memory.oom_kills()
        self._spawned = spawned
        self.pid = spawned.process.pid
        self._link = Link(self)
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._open_pipes = 0
        self._pipes_closed = asyncio.Event()
        self._owner: Owner | None = None

    async def attach(self, owner: Owner) -> None:
        """Connect sockets and pipes."""
        self._owner = owner
        loop = self._loop = asyncio.get_running_loop()
        process = self._spawned.process
        assert process.stdout is not None
        assert process.stderr is not None
        self._open_pipes = 2
        prints = PipeReader(self._log, self.serial, "stdout", "INFO", self._pipe_ended)
        errors = PipeReader(self._log, self.serial, "stderr", "WARNING", self._pipe_ended)
        await loop.connect_read_pipe(lambda: prints, process.stdout)
        await loop.connect_read_pipe(lambda: errors, process.stderr)
        await loop.create_unix_connection(lambda: self._link, sock=self._spawned.connection)
        self._arm(self._launch.init_seconds)
        self._watch_end()

    @property
    def ahead(self) -> list[Job]:
        """The jobs that lie with it and have not begun."""
        return [] if self.batch else list(itertools.islice(self.jobs, 1, None))

    @property
    def room(self) -> int:
        """How many requests it may be given: one, and some ahead once it has shown to be quick.

        One whose script takes batches may be given a whole one when it is free.
        """
        if self.batch:
            return 0 if self.stopping or self.jobs else self.batch
        ahead = AHEAD if self._quick >= QUICK_RUNS else 0
        return 0 if self.stopping else 1 + ahead - len(self.jobs)

    def start(self, jobs: Sequence[Job]) -> None:
        """Give it requests, at most as many as it has room for."""
        idle = not self.jobs
        self.jobs.extend(jobs)
        headers = self.description["headers"]
        if self.batch:
            jobs[0].batch = len(jobs)
            self._link.put(wire.head(wire.BATCH, len(jobs), 0), b"")
        for job in jobs:
            self._link.put(
                wire.request_head(
                    job.meta,
                    _text(job.pairs) if headers else None,
                    job.trace.variables() if job.trace is not None else None,
                    len(job.body),
                ),
                job.body,
            )
        self._link.flush()
        if idle:
            self._begin()

    def _begin(self) -> None:
        """The first of its jobs, or the whole batch, runs from now on."""
        for job in self._running():
            if job.queued:
                job.queue_ms = (perf_counter() - job.queued) * 1000
        self._arm(self._launch.scoring_timeout_ms / 1000)

    def _running(self) -> Sequence[Job]:
        return tuple(self.jobs) if self.batch else (self.jobs[0],)

    def take_back(self) -> list[Job]:
        """The jobs that it has not begun and, being gone, never will."""
        ahead = list(self.jobs)
        self.jobs.clear()
        return ahead

    def stop(self) -> None:
        """Ask an idle worker to end; kill it if it does not within two seconds."""
        self.stopping = True
        self._link.send(wire.STOP, None)
        self._loop.call_later(2.0, self.kill, "it did not end when asked to")

    def kill(self, reason: str) -> None:
        """End the process and everything in its group."""
        if self.alive:
            self._killed = reason
            _kill_group(self.pid)

    # Frames

    def frame(self, kind: int, meta: Any, body: bytes) -> None:
        """One frame of the worker."""
        assert self._owner is not None
        if kind == wire.ANSWER:
            self._answered(meta, body)
        elif kind == wire.PART:
            self._part(meta[0], body)
        elif kind == wire.PHASE:
            self.phase = INIT if meta == "init" else IMPORTING
            self._owner.phase_changed(self)
        elif kind == wire.READY:
            self.description = meta
            self.batch = meta.get("batch", 0)
            self.init_seconds = perf_counter() - self._spawned.at
            self.phase = WARM_UP if self._launch.sample is not None else SERVING
            self._deadline = 0.0
            self._owner.started(self)
        elif kind == wire.COLLECT:
            self._owner.collected(meta, body)
        elif kind == wire.FAILED:
            self.failed_start = True
            self.reason = meta["reason"]
            self.evidence = Evidence(
                stage=meta["stage"],
                traceback=meta["traceback"],
                out_of_memory=meta["out_of_memory"],
            )

    def lost(self) -> None:
        """The connection is closed; whatever was in flight has no answer."""
        assert self._owner is not None
        self.connected = False
        self._fail_job("The worker ended while it ran this request.")
        self._owner.lost(self)
        self._loop.call_later(2.0, self.kill, "it closed its connection")

    def _answered(self, meta: list[Any], body: bytes) -> None:
        status, run_ms, headers, more = meta
        self._quick = self._quick + 1 if (run_ms or 0.0) < QUICK_MS and not more else 0
        reply = Reply(status, body, JSON_TYPE if headers is None else headers, run_ms)
        job = self.jobs[0]
        if more:
            reply.parts = self._parts = Parts(self._link)
            job.finish(reply)
        else:
            self._replies.append((job, reply))
            self._finished()

    def garbled(self, error: Exception) -> None:
        """It sent what no worker sends; what it answered before that counts."""
        self._hand_over()
        for line in "".join(traceback.format_exception(error)).splitlines():
            self._log.line(line, level="ERROR", worker=self.serial)
        self.kill("it sent a frame that cannot be read")

    def settled(self) -> None:
        """Every frame that has arrived is seen: take the next jobs, then hand over the answers."""
        if not self._replies:
            return
        if self._owner is not None and self.connected:
            self._owner.idle(self)
        self._hand_over()

    def _hand_over(self) -> None:
        replies, self._replies = self._replies, []
        for job, reply in replies:
            job.finish(reply)

    def _part(self, more: bool | None, body: bytes) -> None:
        assert self._parts is not None
        if more:
            self._parts.add(body)
            return
        self._parts.end(broken=more is None)
        self._parts = None
        self._finished()
        assert self._owner is not None
        self._owner.idle(self)

    def _finished(self) -> None:
        self.jobs.popleft()
        self.answered += 1
        if self.batch and self.jobs:
            return  # the rest of the batch is on its way
        self._deadline = 0.0
        if self.jobs:
            self._begin()

    def _fail_job(self, message: str) -> None:
        if self._parts is not None:
            self._parts.end(broken=True)
            self._parts = None
        for job in self._running() if self.jobs else ():
            self.jobs.popleft()
            job.finish(Reply.problem(502, message, rejected="worker-died"))

    # Deadlines: one timer that is moved only when it fires too early

    def _arm(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._due)

    def _due(self) -> None:
        self._timer = None
        if not self._deadline or not self.alive:
            return
        if self._loop.time() < self._deadline - 0.001:
            self._timer = self._loop.call_at(self._deadline, self._due)
        elif not self.jobs:
            self.reason = f"import and init() took longer than {self._launch.init_seconds:g} s"
            self.failed_start = True
            self.kill(self.reason)
        elif all(job.abandoned for job in self._running()):
            self.reason = (
                f"run() did not come back {self._launch.scoring_timeout_ms} ms after its start"
            )
            self.kill(self.reason)
        else:
            message = f"Scoring timeout after {self._launch.scoring_timeout_ms} ms"
            for job in self._running():
                job.finish(Reply.problem(504, message, rejected="timeout"))
            self._arm(LATE_SECONDS)

    # The end

    def _watch_end(self) -> None:
        process = self._spawned.process
        if hasattr(os, "pidfd_open"):
            descriptor = os.pidfd_open(process.pid)

            def ended() -> None:
                self._loop.remove_reader(descriptor)
                os.close(descriptor)
                self._end()

            self._loop.add_reader(descriptor, ended)
            return

        def wait() -> None:
            process.wait()
            self._loop.call_soon_threadsafe(self._end)

        threading.Thread(target=wait, daemon=True).start()

    def _end(self) -> None:
        self.alive = False
        _kill_group(self.pid)  # what it started; its id is its own until it is reaped
        exit_code = self._spawned.process.wait()
        self._link.close()
        if self._timer is not None:
            self._timer.cancel()
        self._task = self._loop.create_task(self._conclude(exit_code))

    async def _conclude(self, exit_code: int) -> None:
        """Read the last words, gather the evidence, tell the owner."""
        try:
            await asyncio.wait_for(self._pipes_closed.wait(), PIPE_SECONDS)
        except TimeoutError:
            self._log.line("a child of the worker keeps its output open", worker=self.serial)
        lines = self._log.tail(self.serial)
        stage = self.evidence.stage or ("run" if self.phase == SERVING else self.phase)
        self.evidence = Evidence(
            stage="import" if stage == IMPORTING else stage,
            exit_code=exit_code,
            out_of_memory=self.evidence.out_of_memory
            or (
                exit_code == -signal.SIGKILL
                and not self._killed
                and memory.killed_since(self._oom_before)
            ),
            traceback=self.evidence.traceback or postmortem.native_traceback(lines),
            last_lines=lines,
            model_tree=await asyncio.to_thread(
                memory.tree, self._app_root / self._launch.model_dir
            ),
            event=self._killed,
        )
        how = postmortem.exit_text(exit_code, out_of_memory=self.evidence.out_of_memory)
        self.reason = self.reason or self._killed or how
        assert self._owner is not None
        self._owner.ended(self)

    def _pipe_ended(self) -> None:
        self._open_pipes -= 1
        if not self._open_pipes:
            self._pipes_closed.set()


def _text(pairs: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:
        return
