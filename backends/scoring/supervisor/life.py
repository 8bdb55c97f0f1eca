"""What runs on the loop: attach the workers, open front and control socket, end in order."""

import asyncio
import gc
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import postmortem
from .app import App
from .control import Control
from .front import Front
from .health import HealthFace
from .job import Reply
from .service import Service
from .status import FAILED, Status

if TYPE_CHECKING:
    from .tls import Renewing

COLLECT_SECONDS = 5.0
"""How long the disk gets for what was collected before the end."""
FAILED_CODE = 3
"""Exit code of a server whose first start failed; azureml-inference-server-http's."""


class Ending:
    """Set once by a signal or the control socket; a second signal means now."""

    def __init__(self, service: Service) -> None:
        self.asked = asyncio.Event()
        self.code = 0
        """The process's exit code."""
        self.grace = service.launch.grace
        self._service = service

    def ask(self, grace: float) -> None:
        """Stop within `grace` seconds."""
        if self.asked.is_set():
            self._service.abort()
        self.grace = grace
        self.asked.set()

    def judge(self, status: Status) -> None:
        """End when the first start has failed."""
        if status.state == FAILED and not self._service.current.was_ready:
            self.code = FAILED_CODE
            self.asked.set()


async def serve(
    service: Service, listeners: Sequence[socket.socket], folder: Path, renewing: "Renewing | None"
) -> int:
    """Serve until asked to stop, over TLS where there is a certificate; returns the exit code.

    The first listener takes every request, a second one those for health pages.
    """
    loop = asyncio.get_running_loop()
    launch, log = service.launch, service.log
    log.attach(loop.call_later)
    ending = Ending(service)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: ending.ask(launch.grace))
    if launch.state_file:
        path = folder / launch.state_file
        service.watch(lambda status: log.write_file(path, status.to_json()))
    message = Path(launch.termination_log)
    service.watch(lambda status: postmortem.leave_word(message, status))
    control = Control(service, ending.ask)
    if launch.control_socket:
        await control.start(folder / launch.control_socket)
    await service.attach()
    app = App(service, folder)
    service.collect_from_now(folder)

    def configure() -> None:
        app.configure()
        service.collect_from_now(folder)
        if launch.start_file:
            log.write_file(folder / launch.start_file, service.launch.to_json())

    service.promoted = configure
    front = Front(listeners[0], app, log, renewing)
    fronts = [front, *(Front(other, HealthFace(app), log) for other in listeners[1:])]
    gc.freeze()  # what is here stays: no collection has to look at it again
    for one in fronts:
        await one.start()
    if launch.end_when_failed:
        service.watch(ending.judge)
    await ending.asked.wait()
    if ending.code:
        await _give_up(service, front)
    else:
        await _end(service, front, ending, launch.drain_delay)
    for one in fronts[1:]:
        one.close()
    control.close()
    if service.collector is not None:
        await service.collector.finish(COLLECT_SECONDS)
    log.close()
    return ending.code


async def _give_up(service: Service, front: Front) -> None:
    """Leave after a start that failed; the status stays what it was."""
    reply = Reply.problem(503, "The service could not be started.", rejected="not-ready")
    service.dispatcher.refuse_waiting(reply)
    front.close()
    service.abort()
    await front.finished(1.0)


async def _end(service: Service, front: Front, ending: Ending, delay: float) -> None:
    """Not ready at once, still accepting for a while, then finish and leave."""
    began = time.monotonic()
    service.begin_drain()
    if delay:
        await asyncio.sleep(min(delay, ending.grace))
    front.close()
    await front.finished(max(0.0, ending.grace - (time.monotonic() - began)))
    await service.stop(max(0.0, ending.grace - (time.monotonic() - began)))
    await front.finished(1.0)
