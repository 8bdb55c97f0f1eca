"""Blocking calls off the event loop, on daemon threads: none of them can delay the way out."""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Job = Callable[[], None]


class Threads:
    """A few long-lived daemon threads. They stay, so what is kept per thread stays open too.

    Args:
        count: How many calls run at once; one thread also keeps its calls in order.
    """

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._started = False

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of `call`, which runs to its end even when nobody awaits it any more."""
        self._start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()

        def settle(result: R | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # no error: it is the result

        def job() -> None:
            result, error = None, None
            try:
                result = call(*args, **kwargs)
            except Exception as caught:  # handed to the awaiting side
                error = caught
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, result, error)

        self._jobs.put(job)
        return await future

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        for number in range(self._count):
            threading.Thread(target=self._serve, name=f"{self._name}-{number}", daemon=True).start()

    def _serve(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except RuntimeError:
                return  # the loop closed between the look and the call: the console is ending
