"""A router process and replicas behind it whose every move a test decides."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backends.scoring.router.control import ask

ROOT = Path(__file__).parents[2]
Talk = Callable[["Call"], Awaitable[None]]


@dataclass
class Call:
    """One request as a replica got it."""

    head: str
    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    """Of its connection, counted from 1."""

    async def answer(self, body: bytes = b"", *, head: str = "", status: str = "200 OK") -> None:
        """Send an answer of known length."""
        lines = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{head}\r\n"
        self.writer.write(lines.encode() + body)
        await self.writer.drain()


@dataclass
class Replica:
    """Answers requests by `talk`; `/readyz` by `ready`."""

    talk: Talk
    ready: bool = True
    calls: list[Call] = field(default_factory=list)
    port: int = 0
    connections: int = 0

    @property
    def upstream(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = 0
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines)
                body = await _body(reader, headers)
                number += 1
                call = Call(first, headers, body, reader, writer, number)
                if " /readyz " in first:
                    await call.answer(status="200 OK" if self.ready else "503 No")
                else:
                    self.calls.append(call)
                    await self.talk(call)
        writer.close()


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    found = b""
    while size := int(await reader.readline(), 16):
        found += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
    return found


@asynccontextmanager
async def replica(talk: Talk, *, ready: bool = True) -> AsyncGenerator[Replica, None]:
    """One that listens; its connections end with the context."""
    found = Replica(talk, ready)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


@dataclass
class Router:
    """The process."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(self, **request: object) -> dict[str, object]:
        """One request of its control socket."""
        answer = await asyncio.to_thread(ask, self.folder, json.dumps(request))
        return dict(json.loads(answer))

    async def use(self, revision: int, *replicas: Replica, when_ready: bool = False) -> None:
        """Have it send requests to these."""
        upstreams = [each.upstream for each in replicas]
        answer = await self.ask(
            op="use", revision=revision, upstreams=upstreams, when_ready=when_ready
        )
        assert answer["ok"], answer


@asynccontextmanager
async def router(folder: Path, *replicas: Replica) -> AsyncGenerator[Router, None]:
    """One that runs, as revision 1, in a folder whose name is short enough for a socket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backends.scoring.router", "--folder", str(folder)),
        *("serve", f"127.0.0.1:{port}"),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    found = Router(folder, port)
    try:
        await found.ask(op="status")
        if replicas:
            await found.use(1, *replicas)
        yield found
    finally:
        process.terminate()
        assert await process.wait() == 0


async def talk(port: int, *requests: bytes, answers: int | None = None) -> bytes:
    """Send bytes on one connection and read until it is closed, or so many heads have come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = b""
    try:
        async with asyncio.timeout(20):
            for request in requests:
                writer.write(request)
                await writer.drain()
            while answers is None or found.count(b"HTTP/1.1 ") < answers:
                data = await reader.read(65536)
                if not data:
                    break
                found += data
    finally:
        writer.close()
    return found
