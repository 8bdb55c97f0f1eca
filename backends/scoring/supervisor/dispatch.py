"""The bounded queue between requests and workers."""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import perf_counter

from backends.scoring.launch import Launch

from .job import Job, Reply
from .process import Worker

BATCH_BYTES = 16 * 1024 * 1024
"""Bodies of one batch together; a larger body is a batch of its own."""
BUSY = "All workers are busy and the queue is full. Try again later."
WAITED = "No worker became free within {} ms. Try again later."


class Dispatcher:
    """Jobs go to a free worker at once, or wait in order, each at most `queue_wait_ms`."""

    def __init__(self, launch: Launch) -> None:
        self.limits = launch
        self.waiting: deque[Job] = deque()
        self._free: list[Worker] = []
        self._busy: set[Worker] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._quiet: asyncio.Event | None = None

    @property
    def running(self) -> int:
        """Jobs that a worker has begun."""
        return sum(len(worker.jobs) if worker.batch else 1 for worker in self._busy)

    @property
    def depth(self) -> int:
        """Jobs that have not begun: those that wait here and those that lie ahead with a worker."""
        return len(self.waiting) + sum(len(worker.ahead) for worker in self._busy)

    def submit(self, job: Job) -> None:
        """Start the job, queue it, or refuse it."""
        if self._free and not self.waiting and len(self._busy) < self.limits.concurrency:
            worker = self._free.pop()
            self._busy.add(worker)
            worker.start([job])
        elif len(self.waiting) >= self.limits.queue_length:
            job.finish(Reply.problem(503, BUSY, rejected="queue-full"))
        else:
            job.queued = perf_counter()
            self.waiting.append(job)
            if self._timer is None:
                self._arm(job)

    def cancel(self, job: Job) -> None:
        """Its client is gone: it never goes to a worker, unless it is with one."""
        job.abandoned = True
        if job in self.waiting:
            self.waiting.remove(job)
            self._tell_quiet()

    def offer(self, worker: Worker) -> None:
        """This worker is free, or has room for jobs ahead."""
        if not worker.jobs:
            self._busy.discard(worker)
            self._free.append(worker)
            self.pump()
            self._tell_quiet()
        elif worker.room and self.waiting and not self._free:
            worker.start(self._share(worker, worker.room))

    def remove(self, worker: Worker) -> None:
        """This worker takes no job any more; the one that it had is over."""
        self._busy.discard(worker)
        if worker in self._free:
            self._free.remove(worker)
        self.pump()
        self._tell_quiet()

    def clear(self) -> None:
        """Forget the free workers; those that wait go to the next ones."""
        self._free.clear()

    def pump(self) -> None:
        """Start what can be started."""
        while self._free and self.waiting and len(self._busy) < self.limits.concurrency:
            worker = self._free.pop()
            self._busy.add(worker)
            worker.start(self._share(worker, 1 if self._free else worker.room))

    async def quiet(self) -> None:
        """Return when nothing runs and nothing waits."""
        if self._busy or self.waiting:
            self._quiet = asyncio.Event()
            await self._quiet.wait()

    def refuse_waiting(self, reply: Reply) -> None:
        """Answer everything that waits."""
        while self.waiting:
            self.waiting.popleft().finish(reply)

    def take_back(self, jobs: Sequence[Job]) -> None:
        """These were with a worker that died before it began them: they are the next."""
        self.waiting.extendleft(job for job in reversed(jobs) if not job.abandoned)
        if self.waiting and self._timer is None:
            self._arm(self.waiting[0])
        self.pump()

    def _share(self, worker: Worker, room: int) -> list[Job]:
        """The oldest that wait: as many as there is room for, if the other workers get as many."""
        if worker.batch:
            return self._batch(room)
        fair = -(-len(self.waiting) // len(self._busy))
        return [self.waiting.popleft() for _ in range(min(room, fair, len(self.waiting)))]

    def _batch(self, room: int) -> list[Job]:
        """Whatever waits, up to a size and a number of bytes; one job at least."""
        taken = [self.waiting.popleft()]
        size = len(taken[0].body)
        while self.waiting and len(taken) < room:
            size += len(self.waiting[0].body)
            if size > BATCH_BYTES:
                break
            taken.append(self.waiting.popleft())
        return taken

    def _tell_quiet(self) -> None:
        if self._quiet is not None and not self._busy and not self.waiting:
            self._quiet.set()

    def _arm(self, job: Job) -> None:
        left = job.queued + self.limits.queue_wait_ms / 1000 - perf_counter()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, left), self._expire)

    def _expire(self) -> None:
        """Refuse what waited too long; the head of the queue is always the oldest."""
        self._timer = None
        oldest = perf_counter() - self.limits.queue_wait_ms / 1000 + 0.002
        message = WAITED.format(self.limits.queue_wait_ms)
        while self.waiting and self.waiting[0].queued <= oldest:
            self.waiting.popleft().finish(Reply.problem(503, message, rejected="queue-wait"))
        ahead = [job for worker in self._busy for job in worker.ahead]
        for job in ahead:
            if job.queued <= oldest:
                job.finish(Reply.problem(503, message, rejected="queue-wait"))
        left = [job for job in ahead if not job.abandoned] + list(self.waiting)
        if left:
            self._arm(min(left, key=lambda job: job.queued))
