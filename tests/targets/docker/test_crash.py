"""The engine itself is killed and comes back while a service is watched and its log is read.

`PILOTHOUSE_FULL=1` kills it three times; the default once.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from backends.targets.catalog import TargetRecord
from backends.targets.drivers.docker import labels
from backends.targets.records import Gap, LogLine, LogQuery, ServiceSpec, StreamEnd
from backends.workspace import Workspace
from tests.support.containers import needs_engine
from tests.support.dockerd import Dockerd, dockerd
from tests.support.services import eventually

if TYPE_CHECKING:
    from backends.services.records import Service

pytestmark = [
    needs_engine(),
    pytest.mark.skipif(bool(Dockerd.missing()), reason=Dockerd.missing()),
]

KILLS = 3 if os.environ.get("PILOTHOUSE_FULL") else 1
IMAGE = "pilothouse-test-shell"
LOOP = 'i=0; while :; do echo "line $i"; i=$((i+1)); sleep 0.02; done'


@pytest.fixture
def engine() -> Iterator[Dockerd]:
    with dockerd() as found:
        found.import_shell(IMAGE)
        yield found


@pytest.fixture
async def workspace(engine: Dockerd) -> AsyncGenerator[Workspace, None]:
    found = Workspace.open("crash")
    record = TargetRecord(
        name="engine", kind="docker", workspace="crash", settings={"url": engine.url}
    )
    found.targets.attach(record)
    try:
        yield found
    finally:
        await found.aclose()


def run_service(engine: Dockerd) -> str:
    """Name of a service that only writes: what it says of its state is not asked here."""
    spec = ServiceSpec(workspace="crash", name="talker", revision=1, target="engine", image=IMAGE)
    body: dict[str, Any] = {
        "Image": IMAGE,
        "Cmd": ["/bin/sh", "-c", LOOP],
        "Labels": labels.container_labels(spec),
        "HostConfig": {
            "NetworkMode": "none",
            "RestartPolicy": {"Name": "always"},
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
        },
    }
    with engine.client() as found:
        client: Any = found
        made = client.create_container_from_config(body, labels.container_name(spec))
        client.start(made["Id"])
    return spec.name


async def test_a_killed_engine_leaves_the_last_state_stale_until_it_is_back(
    engine: Dockerd, workspace: Workspace
) -> None:
    name = await asyncio.to_thread(run_service, engine)
    (found,) = await workspace.services.refresh()
    assert (found.name, found.reachable) == (name, True)
    seen: list[Service] = []
    lines: list[LogLine | Gap | StreamEnd] = []

    async def watch() -> None:
        async with aclosing(workspace.services.watch(name)) as changes:
            async for service in changes:
                seen.extend([service])

    async def read() -> None:
        async with aclosing(workspace.services.logs(name, LogQuery(follow=True))) as items:
            async for item in items:
                lines.extend([item])

    async def reachable() -> bool:
        return bool(seen) and seen[-1].reachable and seen[-1].state is found.state

    async def stale() -> bool:
        return bool(seen) and not seen[-1].reachable

    async def read_on() -> bool:
        return len(lines) > 50

    tasks = [asyncio.create_task(watch()), asyncio.create_task(read())]
    try:
        for _ in range(KILLS):
            await eventually(reachable)
            lines.clear()
            await eventually(read_on)
            await asyncio.to_thread(engine.kill)
            await eventually(stale)
            last = seen[-1]
            assert last.state is found.state
            assert last.seen < time.time()
            assert not any(task.done() for task in tasks)
            await asyncio.to_thread(engine.start)
        await eventually(reachable)
        lines.clear()
        await eventually(read_on)
        assert not any(task.done() for task in tasks)
        assert all(isinstance(item, LogLine) for item in lines)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_nothing_of_a_private_engine_is_left(tmp_path: Path) -> None:
    with dockerd() as engine:
        folder = Path(engine.url.removeprefix("unix://")).parent
        assert folder.exists()
    assert not folder.exists()
