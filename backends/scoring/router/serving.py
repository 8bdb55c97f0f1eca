"""The router's life: listen, serve, drain."""

import asyncio
import contextlib
import json
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import state
from .client import ClientConnection
from .control import Control
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_SECONDS = 30.0
TICK_SECONDS = 5.0
_CLOSING_SECONDS = 1.0


class Front:
    """Accepts clients."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._open: set[ClientConnection] = set()
        self._ended = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=listener, backlog=2048)

    async def tick(self) -> None:
        """End silent connections, for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for connection in list(self._open):
                connection.tick()

    async def finish(self, seconds: float) -> None:
        """Accept no more, answer what is there, close."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.retire()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._open:
                    self._ended.clear()
                    await self._ended.wait()

    def _accept(self) -> ClientConnection:
        connection = ClientConnection(self._table, self._gone)
        self._open.add(connection)
        return connection

    def _gone(self, connection: ClientConnection) -> None:
        self._open.discard(connection)
        self._ended.set()


def run(folder: Path, host: str, port: int) -> None:
    """Serve until told to stop."""
    listener = _bind(host, port)
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(folder, listener))


async def _serve(folder: Path, listener: socket.socket) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    table = Table(lambda: _changed(folder, table))
    state.load(folder, table)
    control, front = Control(table, folder), Front(table)
    await front.start(listener)
    await control.start()
    state.tell_listening(folder)
    _say(f"listening on {listener.getsockname()[0]}:{listener.getsockname()[1]}")
    tasks = [asyncio.create_task(work) for work in (table.sweep(), front.tick())]
    await stop.wait()
    await front.finish(GRACE_SECONDS)
    control.close()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_CLOSING_SECONDS)


def _changed(folder: Path, table: Table) -> None:
    try:
        state.save(folder, table)
    except OSError as error:
        _say(f"what is in use cannot be kept for the next start: {error}", level="ERROR")
    coming = f", revision {table.coming.revision} follows when it is ready" if table.coming else ""
    _say(f"revision {table.plan.revision} on {', '.join(table.plan.upstreams) or 'none'}{coming}")


def _say(text: str, level: str = "INFO") -> None:
    """A line of the router's log, on standard output."""
    line = {"time": time.time(), "stream": "server", "level": level, "text": text}
    print(json.dumps(line), flush=True)  # noqa: T201 - the program's own log


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(2048)
    listener.setblocking(False)
    return listener
