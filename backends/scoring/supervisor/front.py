"""uvicorn's HTTP protocol over sockets that are bound already, and the end of its connections."""

import asyncio
import logging
import socket
from typing import Any


class Front:
    """Accepts on `listener`; imports uvicorn only when started."""

    def __init__(self, listener: socket.socket, app: Any) -> None:
        self._listener = listener
        self._app = app
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
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
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
