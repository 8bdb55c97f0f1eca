"""The service: the revision that serves, the one brought up beside it, the status of both."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.scoring.launch import Launch

from . import status as states
from .dispatch import Dispatcher
from .job import Job, Reply
from .logs import Log
from .pool import Pool
from .process import Worker
from .request import Request
from .spawn import Spawned
from .status import Evidence, Status

if TYPE_CHECKING:
    from .collecting import Collector

NOT_READY = "The service is not ready: {}."


class Service:
    """Built and spawning before the loop runs; `attach` joins it to the loop."""

    def __init__(
        self,
        launch: Launch,
        app_root: Path,
        log: Log,
        url: str,
        boot: str,
        early: Sequence[Spawned] = (),
    ) -> None:
        """`early` are workers' processes that run already."""
        self.launch = launch
        self.log = log
        self.url = url
        self.boot = boot
        self.draining = False
        self.started_at = time.time()
        self._serials = itertools.count(1).__next__
        self.current = Pool(launch, app_root, log, self._serials, early)
        self._next: Pool | None = None
        self._old: set[Pool] = set()
        self._swap_failure: tuple[int, str, Evidence] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.dispatcher = Dispatcher(launch)
        self.promoted: Callable[[], None] = lambda: None
        """Called after another revision has taken over."""
        self.collector: Collector | None = None
        self._watchers: set[Callable[[Status], None]] = set()
        self._status = self._observe()

    async def attach(self) -> None:
        """Connect the workers to the running loop."""
        await self.current.attach(self)

    # Requests

    def submit(self, job: Job) -> None:
        """Hand a job to a worker, now or after a wait; answers at once when there is no hope."""
        pool = self.current
        if (pool.was_ready or self.launch.compatible) and not pool.failed:
            self.dispatcher.submit(job)
        else:
            message = NOT_READY.format(self._status.reason.rstrip("."))
            job.finish(Reply.problem(503, message, rejected="not-ready"))

    @property
    def ready(self) -> bool:
        """Requests are answered and more are welcome."""
        return self.current.ready > 0 and not self.draining

    # Commands

    async def swap(self, launch: Launch, app_root: Path) -> None:
        """Bring up another revision beside the present one; it takes over when it is ready."""
        if self._next is not None:
            self._abandon(self._next, "another revision was asked for")
        self._swap_failure = None
        self.log.line(f"revision {launch.revision} is being loaded")
        pool = self._next = Pool(launch, app_root, self.log, self._serials)
        self._publish()
        await pool.attach(self)

    def resize(self, count: int) -> None:
        """Have so many workers from now on."""
        self.current.resize(count)

    def begin_drain(self) -> None:
        """Not ready any more, but still answering."""
        self.draining = True
        self._publish()

    def abort(self) -> None:
        """End every worker now."""
        for pool in (self.current, *self._old, *([self._next] if self._next else [])):
            pool.kill("the service was told to end at once")

    async def stop(self, grace: float) -> None:
        """Finish what is in flight within `grace` seconds, then end every worker."""
        pools = [self.current, *self._old, *([self._next] if self._next else [])]
        try:
            await asyncio.wait_for(self.dispatcher.quiet(), grace)
        except TimeoutError:
            self.log.line("requests were still running when the grace time ended", level="WARNING")
            for pool in pools:
                pool.kill("the grace time ended")
        self.dispatcher.refuse_waiting(Reply.problem(503, "The service is stopping."))
        for pool in pools:
            pool.drain()
        for pool in pools:
            await pool.empty.wait()
        self._status = replace(
            self._observe(), state=states.STOPPED, reason="stopped", phase="", ready=0, workers=()
        )
        self._tell()

    # Status

    @property
    def status(self) -> Status:
        """The last observation."""
        return self._status

    def watch(self, watcher: Callable[[Status], None]) -> Callable[[], None]:
        """Call `watcher` now and at each change; returns what ends that."""
        self._watchers.add(watcher)
        watcher(self._status)
        return lambda: self._watchers.discard(watcher)

    # What a pool tells

    def available(self, pool: Pool, worker: Worker) -> None:
        """One of the serving revision takes a job; others wait for their turn."""
        if pool is self.current:
            self.dispatcher.offer(worker)
        elif not worker.jobs:
            self.dispatcher.remove(worker)

    def unavailable(self, pool: Pool, worker: Worker) -> None:
        """It is stopped, or gone with or without a job."""
        self.dispatcher.remove(worker)
        if not worker.connected:
            self.dispatcher.take_back(worker.take_back())
        if pool is self.current:
            self._publish()

    def changed(self, pool: Pool) -> None:
        """Take over, give up, or only tell."""
        if pool is self._next:
            if pool.complete:
                self._promote(pool)
            elif pool.failed:
                self._next_failed(pool)
        self._publish()

    def collect(self, request: Request, reply: Reply) -> None:
        """Store what a script without a collector of its own answered."""
        if reply.status >= 300 or self.current.description.get("collects"):
            return
        assert self.collector is not None
        inputs = request.body or request.query.encode()
        answer = None if reply.parts is not None else reply.body
        self.collector.exchange(request.identity.request_id, inputs, answer)

    def collect_from_now(self, folder: Path) -> None:
        """Begin, go on with another revision's names, or end, as the serving launch asks."""
        if self.collector is not None:
            self.collector.close()
            self.collector = None
        if self.launch.collect_data:
            from .collecting import Collector

            self.collector = Collector(self.launch, folder, self._say)

    def _say(self, level: str, text: str) -> None:
        self.log.line(text, level=level)

    def collected(self, meta: list[Any], body: bytes) -> None:
        """Rows of a script's own collector, of whichever revision."""
        if self.collector is not None:
            self.collector.rows(meta, body)

    def _promote(self, pool: Pool) -> None:
        old, self.current, self._next = self.current, pool, None
        self.launch = self.dispatcher.limits = pool.launch
        self.log.line(f"revision {pool.launch.revision} serves now")
        self.dispatcher.clear()
        for worker in pool.workers:
            if worker.phase == states.SERVING and worker.connected:
                self.dispatcher.offer(worker)
        self._retire(old)
        self.promoted()

    def _next_failed(self, pool: Pool) -> None:
        self._next = None
        self.log.line(f"revision {pool.launch.revision} failed: {pool.reason}", level="ERROR")
        if self.current.ready:
            self._swap_failure = (pool.launch.revision, pool.reason, pool.evidence)
            self._abandon(pool, pool.reason)
        else:
            old, self.current = self.current, pool
            self.launch = pool.launch
            self._abandon(old, "replaced")

    def _abandon(self, pool: Pool, reason: str) -> None:
        pool.kill(reason)
        self._retire(pool)

    def _retire(self, pool: Pool) -> None:
        async def wait() -> None:
            await pool.empty.wait()
            self._old.discard(pool)

        self._old.add(pool)
        pool.drain()
        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _publish(self) -> None:
        seen = self._observe()
        if replace(seen, at=self._status.at) != self._status:
            self._status = seen
            self._tell()

    def _tell(self) -> None:
        self.log.line(f"{self._status.state}: {self._status.reason}")
        for watcher in list(self._watchers):
            watcher(self._status)

    def _observe(self) -> Status:
        pool = self.current
        state, reason, evidence = self._judge(pool)
        coming = self._next
        serving = pool.launch.revision if pool.ready else None
        rolling = coming.launch.revision if coming else None
        if rolling is None and not pool.was_ready and not pool.failed:
            rolling = pool.launch.revision
        phase = (coming or pool).phase if state == states.TRANSITIONING else ""
        return Status(
            state=state,
            reason=reason,
            at=time.time(),
            serving=serving,
            rolling_out=rolling,
            ready=pool.ready,
            wanted=pool.wanted,
            phase=states.DRAINING if self.draining else phase or states.SERVING,
            boot=self.boot,
            pid=os.getpid(),
            url=self.url,
            workers=tuple(worker.pid for worker in pool.workers),
            evidence=evidence,
        )

    def _judge(self, pool: Pool) -> tuple[str, str, Evidence]:
        """State, the deepest reason, and its evidence."""
        nothing = Evidence()
        if self.draining:
            return states.TRANSITIONING, "finishing what is in flight before it stops", nothing
        if self._next is not None:
            serving = f"; revision {pool.launch.revision} serves" if pool.ready else ""
            reason = f"revision {self._next.launch.revision}: {self._next.phase}{serving}"
            return states.TRANSITIONING, reason, nothing
        if pool.failed:
            return states.FAILED, pool.reason, pool.evidence
        if not pool.was_ready:
            tried = f", after: {pool.reason}" if pool.reason else ""
            return states.TRANSITIONING, f"{pool.phase}{tried}", pool.evidence
        if not pool.ready:
            why = pool.reason or "one has just ended"
            return states.UNHEALTHY, f"no worker is ready: {why}", pool.evidence
        if self._swap_failure is not None:
            revision, why, evidence = self._swap_failure
            serving = f"revision {pool.launch.revision} still serves"
            return states.UNHEALTHY, f"revision {revision} failed: {why}; {serving}", evidence
        if not pool.complete:
            why = f": {pool.reason}" if pool.reason else ""
            reason = f"{pool.ready} of {pool.wanted} workers are ready{why}"
            return states.HEALTHY, reason, pool.evidence
        return states.HEALTHY, f"revision {pool.launch.revision} serves", nothing
