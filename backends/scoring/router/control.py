"""The router's control socket: a JSON object a connection in, one out.

`{"op":"status"}` · `{"op":"use","revision":2,"upstreams":["host:port"],"when_ready":true}` ·
`{"op":"drain","seconds":30}`, which answers when replicas that were taken out have ended.
"""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

from . import state
from .table import Plan, Table

SOCKET = "router.sock"
LONGEST = 1 << 20
_PATIENCE = 10.0
"""Seconds for an answer, and for a router that starts to listen."""
_AGAIN = 0.02


class Control:
    """Listens in the router's folder."""

    def __init__(self, table: Table, folder: Path) -> None:
        self._table = table
        self._path = folder / SOCKET
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._client, self._path, limit=LONGEST)
        self._path.chmod(0o600)

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._do(json.loads(await reader.readline()))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            answer = {"ok": False, "error": str(error)}
        except ConnectionError:
            return
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def _do(self, ask: dict[str, Any]) -> dict[str, Any]:
        match ask.get("op"):
            case "use":
                self._table.use(Plan.parse(ask), when_ready=bool(ask.get("when_ready")))
            case "drain":
                ended = await self._table.drained(float(ask["seconds"]))
                return {"ok": ended, "error": "" if ended else "requests still run", **self._now()}
            case "status":
                pass
            case other:
                raise ValueError(f"unknown op {other!r}")
        return {"ok": True, **self._now()}

    def _now(self) -> dict[str, object]:
        return state.described(self._table)


def ask(folder: Path, request: str) -> str:
    """Send one request to the router that runs in this folder; its answer.

    Raises:
        OSError: none answers.
        ValueError: the request is no JSON.
    """
    line = json.dumps(json.loads(request)).encode() + b"\n"
    patience = _PATIENCE + float(json.loads(request).get("seconds", 0))
    with _connected(folder / SOCKET) as connection:
        connection.settimeout(patience)
        connection.sendall(line)
        with connection.makefile("rb") as file:
            return file.readline().decode()


def _connected(path: Path) -> socket.socket:
    """A router that starts is waited for."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            if time.monotonic() >= deadline:
                raise
            time.sleep(_AGAIN)
        else:
            return connection
