"""Raw streams of an engine: ended, cut, silent, given up, too fast."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from backends.engines.addresses import resolve
from backends.engines.engine import Engine, EngineCut
from backends.errors import NotFound
from tests.support.containers import SOCKET, container, needs_engine
from tests.support.cutting import cutter
from tests.support.services import eventually

pytestmark = needs_engine()

DEADLINE = 30.0
NUMBERS = "for number in range({count}): print(number)"
FOLLOW = {"stdout": 1, "stderr": 1, "follow": 1}


def logs(engine: Engine, container: str, **params: int) -> AsyncGenerator[bytes, None]:
    path = f"/containers/{container}/logs"
    return engine.stream("read the log", "GET", path, params={**FOLLOW, **params})


def reading() -> bool:
    """A thread reads a stream."""
    return any(thread.name.startswith("docker /v") for thread in threading.enumerate())


async def nobody_reads() -> None:
    """Wait until no thread reads a stream any more."""

    async def none() -> bool:
        return not reading()

    await eventually(none)


async def test_a_stream_ends_when_the_engine_ends_it(engine: Engine) -> None:
    async with container(NUMBERS.format(count=5000)) as made:
        data = b"".join([piece async for piece in logs(engine, made)])
    assert data.count(b"\n") == 5000
    assert data.endswith(b"4999\n")
    await nobody_reads()


async def test_a_cut_is_not_an_end(tmp_path: Path) -> None:
    async with (
        cutter(tmp_path, SOCKET) as road,
        Engine(resolve({"url": road.url})) as engine,
        container("print(1, flush=True); import time; time.sleep(60)") as made,
        aclosing(logs(engine, made)) as pieces,
    ):
        assert await anext(pieces)
        road.cut()
        with pytest.raises(EngineCut, match="read the log"):
            await anext(pieces)
    await nobody_reads()


async def test_a_silent_stream_counts_as_cut(engine: Engine) -> None:
    nothing = {"filters": '{"label": ["pilothouse.tests.nothing"]}'}
    stream = engine.stream("wait", "GET", "/events", quiet_seconds=0.2, params=nothing)
    with pytest.raises(EngineCut, match="in time"):
        await anext(stream)


async def test_closing_a_stream_ends_its_thread(engine: Engine) -> None:
    async with container("print(1, flush=True); import time; time.sleep(60)") as made:
        pieces = logs(engine, made)
        await anext(pieces)
        assert reading()
        await pieces.aclose()
        await nobody_reads()


async def test_cancelling_whoever_waits_ends_the_thread(engine: Engine) -> None:
    async with container("import time; time.sleep(60)") as made:

        async def wait() -> None:
            async with aclosing(logs(engine, made)) as pieces:
                await anext(pieces)

        waiting = asyncio.create_task(wait())

        async def begun() -> bool:
            return reading()

        await eventually(begun)
        waiting.cancel()
        await asyncio.wait([waiting])
        await nobody_reads()


async def test_given_up_at_any_moment_a_stream_leaves_no_thread(engine: Engine) -> None:
    async with container("import time; time.sleep(60)") as made:

        async def wait() -> None:
            async with aclosing(logs(engine, made)) as pieces:
                await anext(pieces)

        await engine.info()
        for tenths in range(40):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(tenths / 10_000)  # each a little later than the one before
            waiting.cancel()
            await asyncio.wait([waiting])
        await nobody_reads()


async def test_closing_the_engine_ends_its_streams(engine: Engine) -> None:
    async with container("print(1, flush=True); import time; time.sleep(60)") as made:
        pieces = logs(engine, made)
        await anext(pieces)
        await engine.aclose()
        with pytest.raises(EngineCut):
            async with asyncio.timeout(DEADLINE):
                await anext(pieces)


async def test_a_slow_reader_holds_the_engine_back(tmp_path: Path) -> None:
    """What nobody takes stays with the engine, apart from a few megabytes on the way."""
    script = "import sys\nfor _ in range(40000): sys.stdout.write('x' * 999 + chr(10))"
    async with (
        cutter(tmp_path, SOCKET) as road,
        Engine(resolve({"url": road.url})) as engine,
        container(script, log={"max-size": "100m"}) as made,
    ):
        await engine.call("wait", lambda client: client.wait(made))
        before = road.streamed
        async with aclosing(logs(engine, made)) as pieces:
            taken = len(await anext(pieces))
            seen = -1
            while seen != road.streamed:
                seen = road.streamed
                await asyncio.sleep(0.3)
            assert road.streamed - before < 16 << 20
            async for piece in pieces:
                taken += len(piece)
        assert taken == 40_000 * (1000 + 8)


async def test_a_body_is_sent_as_it_is_made(engine: Engine) -> None:
    tag = "pilothouse-test-engine"

    def pieces() -> Any:
        yield b"\0" * 512
        yield b"\0" * 512

    stream = engine.stream(
        "import it",
        "POST",
        "/images/create",
        params={"fromSrc": "-", "repo": tag},
        data=pieces(),
        headers={"Content-Type": "application/x-tar"},
    )
    try:
        assert b"sha256:" in b"".join([piece async for piece in stream])
    finally:
        await engine.call("remove it", lambda client: client.remove_image(tag, force=True))


async def test_a_stream_is_refused_like_a_call(engine: Engine) -> None:
    with pytest.raises(NotFound, match="No such container: nobody"):
        await anext(logs(engine, "nobody"))


# Roads
