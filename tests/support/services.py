"""Small services for tests of targets: entry scripts, specs, and what to await of them."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from backends.targets.driver import Driver
from backends.targets.records import (
    Gap,
    LogLine,
    LogQuery,
    ServiceSpec,
    ServiceState,
    Status,
    StreamEnd,
)
from backends.targets.terminal import Terminal

DEADLINE = 80.0
"""Seconds that anything awaited may take; reached only when it never happens."""

ECHO = """
import json
def init():
    for number in range({lines}):
        print("starting", number)
def run(data):
    print("asked", data)
    return {{"revision": {revision}, "echo": json.loads(data)}}
"""

BROKEN = """
def init():
    print("about to fail")
    raise ValueError("the weights are missing")
def run(data):
    return data
"""


def bundle(folder: Path, script: str) -> Path:
    """An app root with one entry script."""
    root = folder / f"bundle-{secrets.token_hex(4)}"
    (root / "azureml-models").mkdir(parents=True)
    (root / "score.py").write_text(script, encoding="utf-8")
    return root


def echo(folder: Path, *, revision: int = 1, lines: int = 5) -> Path:
    """The app root of a service that says its revision and sends back what it is given."""
    return bundle(folder, ECHO.format(lines=lines, revision=revision))


async def until(
    driver: Driver, name: str, wanted: Callable[[Status], bool], *, deadline: float = DEADLINE
) -> Status:
    """The first status that is wanted."""
    seen: list[Status | StreamEnd] = []
    try:
        async with asyncio.timeout(deadline), contextlib.aclosing(driver.watch(name)) as statuses:
            async for status in statuses:
                seen.append(status)
                if isinstance(status, Status) and wanted(status):
                    return status
    except TimeoutError:
        raise AssertionError(f"not in {deadline} s; seen: {seen}") from None
    raise AssertionError(f"the stream ended before; seen: {seen}")


async def healthy(driver: Driver, name: str, revision: int = 1) -> Status:
    """Wait until that revision serves and nothing else is going on."""
    return await until(
        driver,
        name,
        lambda s: (
            s.state is ServiceState.HEALTHY and s.serving == revision and s.rolling_out is None
        ),
    )


async def applied(driver: Driver, spec: ServiceSpec, *, revision: int = 1) -> ServiceSpec:
    """Apply a spec without keys and wait until it serves."""
    await driver.apply(spec, None)
    await healthy(driver, spec.name, revision)
    return spec


async def score(driver: Driver, name: str, body: Any = None, *, key: str = "") -> tuple[int, Any]:
    """Post a request: status and decoded body."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with driver.endpoint(name) as endpoint, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            endpoint.scoring,
            content=json.dumps(body),
            headers={"Content-Type": "application/json", **endpoint.headers, **headers},
            timeout=DEADLINE,
        )
        with contextlib.suppress(ValueError):
            return answer.status_code, answer.json()
        return answer.status_code, answer.text


async def written(terminal: Terminal) -> bytes:
    """All that a program writes, to its end."""
    found = b""
    while piece := await terminal.read():
        found += piece
    return found


async def log_items(driver: Driver, name: str, query: LogQuery) -> list[LogLine | Gap | StreamEnd]:
    """Everything that a query gives, to its end."""
    async with asyncio.timeout(DEADLINE):
        return [item async for item in driver.logs(name, query)]


async def texts(driver: Driver, name: str, query: LogQuery) -> list[str]:
    """Texts of a query's lines that came from the entry script."""
    items = await log_items(driver, name, query)
    return [i.text for i in items if isinstance(i, LogLine) and i.stream == "stdout"]


async def following(driver: Driver, name: str) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
    """The log as it grows, with a deadline for the whole."""
    async with (
        asyncio.timeout(DEADLINE),
        contextlib.aclosing(driver.logs(name, LogQuery(follow=True))) as items,
    ):
        async for item in items:
            yield item


async def logged(driver: Driver, name: str, text: str) -> None:
    """Wait until a line is in the log."""
    async with contextlib.aclosing(following(driver, name)) as items:
        async for item in items:
            if isinstance(item, LogLine) and text in item.text:
                return
    raise AssertionError(f"{text!r} never came")


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it holds: for what no stream tells."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)
