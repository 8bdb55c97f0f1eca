"""A shell in a pod: `exec` over WebSocket, subprotocol `v4.channel.k8s.io`.

Channels: 0 standard input, 1 output, 3 how it ended, 4 the terminal's size.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from backends.errors import Unsupported
from backends.targets.drivers.kubernetes import names
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.finding import PODS
from backends.targets.drivers.kubernetes.sockets import connect
from backends.targets.terminal import ExecRequest, Terminal

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_INPUT, _OUTPUT, _STATUS, _SIZE = 0, 1, 3, 4
_SHELL = (
    "/bin/sh",
    "-c",
    'export TERM="$0"; command -v bash >/dev/null 2>&1 && exec bash || exec sh',
)
_END = b"\x04"
_SETTLING_SECONDS = 3.0


class PodTerminal(Terminal):
    """The terminal of one program."""

    def __init__(self, socket: "ClientConnection", pod: str) -> None:
        self.replica = pod
        self._socket = socket
        self._output: asyncio.Queue[bytes] = asyncio.Queue()
        self._input: asyncio.Queue[bytes] = asyncio.Queue()
        self._code: int | None = None
        self.message = ""
        """Why it ended, in the cluster's words."""
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._send())]

    async def aclose(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()

    async def read(self) -> bytes:
        """What the program wrote since."""
        found = await self._output.get()
        while found and not self._output.empty() and (more := self._output.get_nowait()):
            found += more
        if self._tasks[0].done() and self._output.empty():
            self._output.put_nowait(b"")
        return found

    def write(self, data: bytes) -> None:
        """Keys."""
        self._input.put_nowait(bytes([_INPUT]) + data)

    async def resize(self, columns: int, rows: int) -> None:
        """Pass the size on."""
        size = json.dumps({"Width": columns, "Height": rows}).encode()
        self._input.put_nowait(bytes([_SIZE]) + size)

    async def exit_code(self) -> int | None:
        """What the cluster says."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLING_SECONDS):
                await self.ended()
        return self._code

    async def ended(self) -> None:
        """Until the program has ended or the road to it is cut."""
        await asyncio.wait([self._tasks[0]])

    async def _receive(self) -> None:
        try:
            async for frame in self._socket:
                if not isinstance(frame, bytes) or len(frame) < 2:
                    continue
                if frame[0] == _OUTPUT:
                    self._output.put_nowait(frame[1:])
                elif frame[0] == _STATUS:
                    self._ended(frame[1:])
        finally:
            self._output.put_nowait(b"")

    async def _send(self) -> None:
        while True:
            await self._socket.send(await self._input.get())

    def _ended(self, data: bytes) -> None:
        try:
            status = json.loads(data)
        except ValueError:
            return
        self.message = str(status.get("message") or "")
        if status.get("status") == "Success":
            self._code = 0
        for cause in (status.get("details") or {}).get("causes") or ():
            if cause.get("reason") == "ExitCode":
                self._code = int(cause.get("message") or 1)


@contextlib.asynccontextmanager
async def terminal(
    api: Api, namespace: str, pod: str, request: ExecRequest
) -> AsyncGenerator[Terminal, None]:
    """Run the program; it is hung up with the context.

    Raises:
        Unsupported: the image has no such program.
    """
    command = request.command or (*_SHELL, request.terminal)
    query = [("container", names.CONTAINER), ("stdin", "true"), ("stdout", "true")]
    query += [("tty", "true"), *(("command", word) for word in command)]
    path = f"{PODS.format(namespace)}/{pod}/exec?{urlencode(query)}"
    socket = await connect(api, f"run a program in {pod}", path)
    opened = PodTerminal(socket, pod)
    try:
        await opened.resize(request.columns, request.rows)
        if not request.command:
            await _refuse_without_shell(opened, pod)
        yield opened
    finally:
        opened.write(_END)
        await opened.aclose()


async def _refuse_without_shell(opened: PodTerminal, pod: str) -> None:
    """A shell says something soon; one that is not there has ended by then."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await opened.ended()
    if "no such file" in opened.message or "not found" in opened.message:
        raise Unsupported(
            f"The image of {pod} has no shell (/bin/sh).",
            fix="Name a program that it has: `pilothouse service exec -n NAME -- PROGRAM`.",
        )
