"""The control socket: a JSON object asks, JSON lines answer; for the one who may open the file."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .launching import load
from .service import Service

if TYPE_CHECKING:
    from .status import Status

LONGEST_ASK = 64 * 1024


class Control:
    """Serves `watch`, `swap`, `workers` and `stop`."""

    def __init__(self, service: Service, stop: Callable[[float], None]) -> None:
        self._service = service
        self._stop = stop
        self._server: asyncio.Server | None = None

    async def start(self, path: Path) -> None:
        """Listen; a socket file left by an earlier life is replaced."""
        self._server = await asyncio.start_unix_server(
            self._client, sock=_listen(path), limit=LONGEST_ASK
        )
        self._path = path

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            _forget(self._path)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except ConnectionError:
            return
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            ask = _parse(line) if line else {}
        except (ValueError, TypeError, RecursionError) as error:
            await _say(writer, {"ok": False, "error": f"this cannot be read: {error}"})
            return
        if ask.get("op") == "watch":
            await self._watch(reader, writer)
        elif line:
            await _say(writer, await self._do(ask))

    async def _do(self, ask: dict[str, Any]) -> dict[str, Any]:
        operations: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "swap": self._swap,
            "workers": self._workers,
            "stop": self._end,
        }
        operation = operations.get(str(ask.get("op")))
        if operation is None:
            return {"ok": False, "error": f"unknown op {ask.get('op')!r}"}
        try:
            await operation(ask)
        except (OSError, ValueError, TypeError, KeyError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}
        return {"ok": True}

    async def _swap(self, ask: dict[str, Any]) -> None:
        if self._service.draining:
            raise ValueError("the service is stopping")
        path = Path(ask["launch"])
        launch, notes = load(path)
        app_root = (path.parent / launch.app_root).resolve()
        if not app_root.is_dir():
            raise FileNotFoundError(f"{app_root} is no folder")
        for note in notes:
            self._service.log.line(note, level="WARNING")
        await self._service.swap(launch, app_root)

    async def _workers(self, ask: dict[str, Any]) -> None:
        self._service.resize(int(ask["count"]))

    async def _end(self, ask: dict[str, Any]) -> None:
        self._stop(float(ask.get("grace", self._service.launch.grace)))

    async def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Write every status until the other side closes."""
        news: asyncio.Queue[Status] = asyncio.Queue()
        end = self._service.watch(news.put_nowait)
        closed = asyncio.ensure_future(reader.read())
        try:
            while True:
                update = asyncio.ensure_future(news.get())
                await asyncio.wait({update, closed}, return_when=asyncio.FIRST_COMPLETED)
                if not update.done():
                    update.cancel()
                    return
                writer.write(update.result().to_json().encode() + b"\n")
                await writer.drain()
        finally:
            end()
            closed.cancel()


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)


def _listen(path: Path) -> socket.socket:
    """A listening socket that appears under its name only when it can be connected to."""
    passing = path.with_name(path.name + "~")
    _forget(passing)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(passing))
    passing.chmod(0o600)
    listener.listen()
    passing.replace(path)
    return listener


def _parse(line: bytes) -> dict[str, Any]:
    ask = json.loads(line)
    if not isinstance(ask, dict):
        raise TypeError("an object is expected")
    return ask


async def _say(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")
    await writer.drain()
