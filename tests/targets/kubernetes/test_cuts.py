"""Logs and states of a real cluster while the way to it is cut, and updates under load.

`PILOTHOUSE_FULL=1` cuts 200 times and updates 30 times; the default 20 and 2 times.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from msgspec.structs import replace

from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.records import Gap, LogLine, LogQuery, ServiceState
from tests.support.clusters import Specify, needs_cluster
from tests.support.cutting import TcpCutter, tcp_cutter
from tests.support.load import load
from tests.support.services import ECHO, applied, eventually, healthy, until

FULL = bool(os.environ.get("PILOTHOUSE_FULL"))
CUTS = 200 if FULL else 20
UPDATES = 30 if FULL else 2
LINES = 4_000 if FULL else 1_000
PIECE = 10_000
"""Bytes that come through between two cuts, at least."""
RATE = 100.0
pytestmark = [needs_cluster(), pytest.mark.timeout(3600 if FULL else 200)]
WRITES = """
import threading, time
def write():
    for number in range({count}):
        print("line", number)
        if number % 20 == 0: time.sleep({pause})
def init():
    threading.Thread(target=write, daemon=True).start()
def run(data):
    return data
"""


def kubeconfig() -> Any:
    """The cluster's, as it stands in the file."""
    return yaml.safe_load(Path(os.environ["KUBECONFIG"].split(":")[0]).read_text())


@pytest.fixture
async def road() -> AsyncGenerator[TcpCutter, None]:
    """In front of the API server."""
    content = kubeconfig()
    parts = urlsplit(content["clusters"][0]["cluster"]["server"])
    async with tcp_cutter(parts.hostname or "", parts.port or 443) as found:
        yield found


@pytest.fixture
async def far(
    road: TcpCutter, target: TargetRecord, tmp_path: Path
) -> AsyncGenerator[Driver, None]:
    """The cluster behind the road that is cut; its certificate names the server's own host."""
    content = kubeconfig()
    for one in content["clusters"]:
        host = urlsplit(one["cluster"]["server"]).hostname
        one["cluster"] |= {"server": f"https://localhost:{road.port}", "tls-server-name": host}
    file = tmp_path / "cut-kubeconfig"
    file.touch(0o600)
    file.write_text(yaml.safe_dump(content))
    settings = {**target.settings, "kubeconfig": str(file)}
    async with open_driver(replace(target, settings=settings)) as driver:
        yield driver


def flows(
    road: TcpCutter, least: int, reading: asyncio.Task[None]
) -> Callable[[], Awaitable[bool]]:
    """So much came through, or nothing more will."""

    async def holds() -> bool:
        return road.streamed >= least or reading.done()

    return holds


async def test_cuts_lose_no_line_and_repeat_none(
    driver: Driver, far: Driver, road: TcpCutter, specify: Specify
) -> None:
    pause = CUTS * 0.4 / (LINES / 20)
    spec = await specify(WRITES.format(count=LINES, pause=pause), replicas=2)
    await driver.apply(spec, None)
    await until(driver, spec.name, lambda s: s.ready >= 1)
    seen: dict[str, list[str]] = {}
    gaps: list[Gap] = []
    last = f"line {LINES - 1}"

    async def read() -> None:
        async with aclosing(far.logs(spec.name, LogQuery(follow=True))) as items:
            async for item in items:
                if isinstance(item, Gap):
                    gaps.append(item)
                elif isinstance(item, LogLine) and item.text.startswith("line "):
                    seen.setdefault(item.replica, []).append(item.text)
                if sum(last in lines[-1:] for lines in seen.values()) == 2:
                    return

    watching = asyncio.create_task(until(far, spec.name, lambda s: s.wanted == 3, deadline=3000))
    reading = asyncio.create_task(read())
    cuts = 0
    while cuts < CUTS and not reading.done():
        before = road.streamed
        await eventually(flows(road, before + PIECE, reading))
        road.cut()
        cuts += 1
    await reading
    await driver.scale(spec.name, 3)
    status = await watching
    print(f"{cuts} times cut, {road.cuts} streams; {sum(map(len, seen.values()))} lines")
    assert cuts >= CUTS
    assert not gaps
    assert list(seen.values()) == [[f"line {n}" for n in range(LINES)]] * 2
    assert status.wanted == 3


@pytest.mark.parametrize("expose", ["NodePort", "ClusterIP"])
async def test_updates_under_load_fail_no_request(
    target: TargetRecord, specify: Specify, expose: str
) -> None:
    settings = {**target.settings, "expose": expose}
    async with open_driver(replace(target, settings=settings)) as driver:
        spec = await applied(driver, await specify(ECHO.format(lines=1, revision=0)))
        async with (
            driver.endpoint(spec.name) as endpoint,
            load(endpoint.scoring, rate=RATE) as told,
        ):
            for revision in range(2, 2 + UPDATES):
                await applied(driver, replace(spec, revision=revision), revision=revision)
        print(f"{endpoint.url}: {told.asked} asked, slowest {told.slowest:.2f} s")
        assert told.failures == []
        assert told.asked == told.answered > RATE
        status = await healthy(driver, spec.name, 1 + UPDATES)
        assert status.state is ServiceState.HEALTHY
