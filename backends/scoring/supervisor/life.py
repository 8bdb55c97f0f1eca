"""What runs on the loop: attach the workers, open front and control socket, end in order."""

import asyncio
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .app import App
from .control import Control
from .front import Front
from .service import Service

if TYPE_CHECKING:
    from .tls import Renewing

COLLECT_SECONDS = 5.0
"""How long the disk gets for what was collected before the end."""


class Ending:
    """Set once by a signal or the control socket; a second signal means now."""

    def __init__(self, service: Service) -> None:
        self.asked = asyncio.Event()
        self.grace = service.launch.grace
        self._service = service

    def ask(self, grace: float) -> None:
        """Stop within `grace` seconds."""
        if self.asked.is_set():
            self._service.abort()
        self.grace = grace
        self.asked.set()


async def serve(
    service: Service, listener: socket.socket, folder: Path, renewing: "Renewing | None"
) -> int:
    """Serve until asked to stop, over TLS where there is a certificate; returns the exit code."""
    loop = asyncio.get_running_loop()
    launch, log = service.launch, service.log
    log.attach(loop.call_later)
    ending = Ending(service)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: ending.ask(launch.grace))
    if launch.state_file:
        path = folder / launch.state_file
        service.watch(lambda status: log.write_file(path, status.to_json()))
    control = Control(service, ending.ask)
    if launch.control_socket:
        await control.start(folder / launch.control_socket)
    await service.attach()
    app = App(service, folder)
    service.collect_from_now(folder)

    def configure() -> None:
        app.configure()
        service.collect_from_now(folder)

    service.promoted = configure
    front = Front(listener, app, log, renewing)
    await front.start()
    await ending.asked.wait()
    await _end(service, front, ending, launch.drain_delay)
    control.close()
    if service.collector is not None:
        await service.collector.finish(COLLECT_SECONDS)
    log.close()
    return 0


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
