"""uvicorn's HTTP protocol over sockets that are bound already, and the end of its connections."""

import asyncio
import logging
import socket
from typing import Any

from .logs import Log


class Front:
    """Accepts on `listener`; imports uvicorn only when started."""

    def __init__(self, listener: socket.socket, app: Any, log: Log) -> None:
        self._listener = listener
        self._app = app
        self._log = log
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Accept connections."""
        from uvicorn.config import Config
        from uvicorn.server import ServerState

        config = Config(
            self._app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        config.load()
        logger = logging.getLogger("uvicorn.error")
        logger.setLevel(logging.ERROR)
        logger.propagate = False
        logger.addHandler(_Handler(self._log))
        self._state = ServerState()
        protocol: Any = config.http_protocol_class
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: protocol(config=config, server_state=self._state, app_state={}, _loop=loop),
            sock=self._listener,
            backlog=2048,
        )

    def close(self) -> None:
        """Accept no more, close what is idle, let the rest finish its answer."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._state.connections):
                connection.shutdown()

    async def finished(self, seconds: float) -> None:
        """Wait until every answer is written, or the time is over."""
        tasks = set(self._state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)


class _Handler(logging.Handler):
    """uvicorn's errors in the server's log: a bug with its traceback, a broken stream without."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ConnectionError):
            level = "INFO" if isinstance(error, ConnectionResetError) else "ERROR"
            self._log.line(str(error), level=level)
            return
        for line in self.format(record).splitlines():
            self._log.line(line, level="ERROR")
