"""A steady load of requests over kept connections; every request that is not answered counts."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_ANSWER_SECONDS = 30.0


@dataclass
class Load:
    """What was asked and what came back."""

    asked: int = 0
    answered: int = 0
    bodies: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    """Seconds."""


@asynccontextmanager
async def load(url: str, *, rate: float, connections: int = 8) -> AsyncGenerator[Load, None]:
    """Requests as long as the context is; those on their way at its end are awaited."""
    found, stop = Load(), asyncio.Event()
    tasks = [
        asyncio.create_task(_ask(url, connections / rate, number / rate, found, stop))
        for number in range(connections)
    ]
    try:
        yield found
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _ask(url: str, pause: float, offset: float, found: Load, stop: asyncio.Event) -> None:
    """One connection's requests, each at its time or as soon as the one before is answered."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        "content-type: application/json\r\ncontent-length: 8\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    due = loop.time() + offset
    streams = None
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - loop.time())):
                await stop.wait()
        if stop.is_set():
            break
        due = max(due + pause, loop.time() - 1.0)
        found.asked += 1
        began = loop.time()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                if streams is None:
                    streams = await asyncio.open_connection(parts.hostname, parts.port)
                keep = await _one(*streams, head.encode() + b'{"x": 1}', found)
        except (OSError, TimeoutError, EOFError, ValueError) as error:
            found.failures.append(f"{type(error).__name__}: {error}")
            keep = False
        found.slowest = max(found.slowest, loop.time() - began)
        if not keep and streams is not None:
            streams[1].close()
            streams = None
    if streams is not None:
        streams[1].close()


async def _one(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, found: Load
) -> bool:
    """Whether the connection can be kept."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    body = await reader.readexactly(int(headers["content-length"]))
    if " 200 " in lines[0] + " ":
        found.answered += 1
        found.bodies[body.decode()] += 1
    else:
        found.failures.append(f"{lines[0]}: {body.decode()}")
    return headers.get("connection") != "close"
