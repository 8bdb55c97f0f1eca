"""A port of this machine that leads to a service's pods, through the API server.

`portforward` over WebSocket, subprotocol `v4.channel.k8s.io`: the first byte of a frame is its
channel, 0 for data and 1 for errors, and the first frame of each holds the port. One WebSocket a
connection; a pod is picked for each, so that pods may come and go.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from backends.errors import PilothouseError
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.finding import PODS
from backends.targets.drivers.kubernetes.launching import PORT
from backends.targets.drivers.kubernetes.sockets import connect

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_DATA, _ERROR = 0, 1
_PIECE = 64 << 10

Pick = Callable[[], Awaitable[tuple[str, str]]]
"""Namespace and name of a pod that takes requests."""


@asynccontextmanager
async def tunnel(api: Api, pick: Pick) -> AsyncGenerator[int, None]:
    """A port of the loopback, open as long as the context is.

    Raises:
        PilothouseError: there is no pod to lead to, or the cluster refused.
    """
    await pick()
    bridge = _Bridge(api, pick)
    server = await asyncio.start_server(bridge.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await bridge.aclose()


class _Bridge:
    def __init__(self, api: Api, pick: Pick) -> None:
        self._api = api
        self._pick = pick
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; cut when the pod cannot be reached."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            # asyncio before 3.12 reports a cancelled connection as an error of its own
            with contextlib.suppress(PilothouseError, OSError, asyncio.CancelledError):
                await self._carry(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def aclose(self) -> None:
        """End every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        socket = await self._connect()
        try:
            sending = asyncio.create_task(_send(reader, socket))
            try:
                await _receive(socket, writer)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        finally:
            await socket.close()

    async def _connect(self) -> "ClientConnection":
        namespace, pod = await self._pick()
        path = f"{PODS.format(namespace)}/{pod}/portforward?ports={PORT}"
        return await connect(self._api, f"lead to the pod {pod}", path)


async def _send(reader: asyncio.StreamReader, socket: "ClientConnection") -> None:
    while piece := await reader.read(_PIECE):
        await socket.send(bytes([_DATA]) + piece)


async def _receive(socket: "ClientConnection", writer: asyncio.StreamWriter) -> None:
    """What the pod says, until it or the server ends it; the protocol knows no half-closing."""
    begun: set[int] = set()
    async for frame in socket:
        if not isinstance(frame, bytes) or not frame:
            continue
        channel, data = frame[0], frame[1:]
        if channel not in begun:
            begun.add(channel)
            data = data[2:]
        if channel == _ERROR and data:
            return
        if data:
            writer.write(data)
            await writer.drain()
