"""A proxy in front of an engine or a cluster whose connections a test cuts, stalls or refuses."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Cutter:
    """Between a client and an engine's socket."""

    upstream: Path
    listens: Path
    refusing: bool = False
    """New connections are closed at once."""
    cuts: int = 0
    """Connections that were cut while they were open."""
    streamed: int = 0
    """Bytes that went from the engine to clients."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Address of the proxy."""
        return f"unix://{self.listens}"

    def cut(self) -> int:
        """Break every open connection off, wherever it is; how many there were."""
        found = len(self._open)
        for writer in list(self._open):
            writer.transport.abort()
        self._open.clear()
        self.cuts += found
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.refusing:
            writer.transport.abort()
            return
        try:
            inner, outer = await self._dial()
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, outer}
        self._open |= pair
        try:
            await asyncio.gather(self._copy(reader, outer), self._copy(inner, writer, count=True))
        finally:
            self._open -= pair
            for each in pair:
                each.transport.abort()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self.upstream))

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                self.streamed += len(data) if count else 0
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()


@contextlib.asynccontextmanager
async def cutter(folder: Path, upstream: Path) -> AsyncGenerator[Cutter, None]:
    """A proxy as long as the context is; `folder` must be short enough for a socket's name."""
    found = Cutter(upstream, folder / "cut.sock")
    server = await asyncio.start_unix_server(found.serve, found.listens)
    try:
        yield found
    finally:
        server.close()
        found.cut()


@dataclass
class TcpCutter(Cutter):
    """Between a client and a server's port."""

    server: tuple[str, int] = ("127.0.0.1", 0)
    port: int = 0
    """Where the proxy listens, on the loopback."""

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.server)


@contextlib.asynccontextmanager
async def tcp_cutter(host: str, port: int) -> AsyncGenerator[TcpCutter, None]:
    """A proxy as long as the context is."""
    found = TcpCutter(Path(), Path(), server=(host, port))
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        found.cut()
