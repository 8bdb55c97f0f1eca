"""The Docker engine behind TLS, as a remote engine would be: a proxy on loopback."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

from tests.support.certificates import Signed
from tests.support.containers import SOCKET


@contextlib.asynccontextmanager
async def tls_engine(
    server: Signed | None,
    client: Signed | None = None,
    *,
    host: str = "127.0.0.1",
    socket: Path = SOCKET,
) -> AsyncGenerator[int, None]:
    """Its port.

    Args:
        server: What it proves itself with; None speaks plain HTTP.
        client: What it wants of its clients.
        host: Where it listens.
        socket: The engine's own.
    """
    context = None
    if server is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.certificate, server.key)
        if client is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client.certificate)
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(str(socket))
        writers.update((writer, outer))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(_copy(reader, outer), _copy(inner, writer))
        for each in (writer, outer):
            each.close()
            with contextlib.suppress(OSError):
                await each.wait_closed()

    listening = await asyncio.start_server(serve, host, 0, ssl=context)
    try:
        yield int(listening.sockets[0].getsockname()[1])
    finally:
        listening.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)  # transports close in the loop's next rounds


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()
