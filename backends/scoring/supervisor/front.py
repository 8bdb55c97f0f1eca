"""The listener, and the end of its connections."""

import asyncio
import resource
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from .connection import Application, Connection
from .logs import Log

if TYPE_CHECKING:
    from .tls import Renewing

TICK_SECONDS = 5.0
MOST_FILES = 65_536
"""What the limit of open files is raised to, where that is allowed."""
RESERVED = 256
"""Open files that connections leave for workers, logs and the control socket."""
HANDSHAKE_SECONDS = 10.0


class Front:
    """Accepts on `listener`, which is bound already."""

    def __init__(
        self,
        listener: socket.socket,
        app: Application,
        log: Log,
        renewing: "Renewing | None" = None,
    ) -> None:
        """With `renewing` every connection is TLS, with the newest certificate of its files."""
        self._listener = listener
        self._renewing = renewing
        self._app = app
        self._log = log
        self._open: dict[Connection, None] = {}
        self._most = most_connections()
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None

    async def start(self) -> None:
        """Accept connections."""
        self._server = await asyncio.get_running_loop().create_server(
            self._accept,
            sock=self._listener,
            backlog=2048,
            ssl=self._renewing.context if self._renewing else None,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if self._renewing else None,
        )
        self._tick()
        if self._renewing is not None:
            self._renewing.keep(asyncio.get_running_loop().call_later)

    def close(self) -> None:
        """Accept no more; connections end after their present answer, idle ones soon."""
        if self._timer is not None:
            self._timer.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.retire()

    async def finished(self, seconds: float) -> None:
        """Wait until every connection has ended, or the time is over."""
        if self._open:
            self._empty = asyncio.Event()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)

    def _accept(self) -> Connection:
        return Connection(self._app, self._log, self._opened, self._ended)

    def _opened(self, connection: Connection) -> None:
        """Make room for it where one that is not being answered can go, the oldest first."""
        if len(self._open) >= self._most:
            next((other for other in self._open if not other.answering), connection).abort()
        self._open[connection] = None

    def _ended(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        if self._empty is not None and not self._open:
            self._empty.set()

    def _tick(self) -> None:
        for connection in list(self._open):
            connection.tick()
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)


def most_connections() -> int:
    """As many as this process may have open files, without those that it needs itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return max(soft - RESERVED, soft // 2)
