"""A service moves to another kind of target: it serves on the old one until it does on the new."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.services.records import Stage
from backends.targets.records import ServiceState
from backends.workspace import Workspace
from tests.support.containers import needs_engine, remove_workspace
from tests.support.deploying import (
    READS_MODEL_DIR,
    answer,
    deploy,
    events,
    failed,
    register_text,
    request,
    write_project,
)

pytestmark = needs_engine()
INFERENCE = {"entryScript": "score.py", "sourceDirectory": "./project"}
LOCAL = {"computeType": "local"}


@pytest.fixture
def moved(workspace: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with a model and a script, nothing of which is left on the engine."""
    register_text(workspace, "words", "one", tmp_path)
    write_project(tmp_path, READS_MODEL_DIR.format(path="model.txt"))
    yield workspace
    remove_workspace(workspace.name)


async def test_a_service_moves_to_an_engine_and_back(moved: Workspace) -> None:
    first = await deploy(moved, request("words", "words", inference=INFERENCE))
    wish = request("words", "words", inference=INFERENCE, deployment=LOCAL, overwrite=True)
    on_engine = await deploy(moved, wish)
    assert (on_engine.target, on_engine.state) == ("docker", ServiceState.HEALTHY)
    assert on_engine.url not in {None, first.url}
    assert await answer(moved, "words")
    process = moved.targets.open("process")
    assert [seen.spec.name for seen in await process.services()] == []
    back = await deploy(moved, request("words", "words", inference=INFERENCE, overwrite=True))
    assert back.target == "process"
    assert await answer(moved, "words")
    assert await moved.targets.open("docker").services() == ()


async def test_a_move_that_fails_leaves_the_service_where_it_was(
    moved: Workspace, tmp_path: Path
) -> None:
    first = await deploy(moved, request("words", "words", inference=INFERENCE))
    before = await answer(moved, "words")
    write_project(tmp_path, "def init():\n    raise OSError('x')\n\n\ndef run(d):\n    return d\n")
    wish = request("words", "words", inference=INFERENCE, deployment=LOCAL, overwrite=True)
    ended = failed(await events(moved, await moved.services.plan(wish)))
    assert ended.stage is Stage.START
    stays = await moved.services.show("words")
    assert (stays.target, stays.state, stays.url) == ("process", ServiceState.HEALTHY, first.url)
    assert await answer(moved, "words") == before
    assert await moved.targets.open("docker").services() == ()
