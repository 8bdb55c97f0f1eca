"""Services on an engine: images are built by the rollout, kept for a rollback, and packaged."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from backends.images.containers import names
from backends.services.packaging import PackageRequest
from backends.services.records import Stage, StageFinished, StageStarted, StageStep
from backends.targets.catalog import TargetRecord
from backends.workspace import Workspace
from tests.support.containers import SOCKET, client, needs_engine, remove_workspace
from tests.support.deploying import (
    READS_MODEL_DIR,
    answer,
    events,
    healthy,
    register_text,
    request,
    write_project,
)
from tests.support.imagebuilds import answer as ask
from tests.support.imagebuilds import remove_images, running
from tests.support.wheels import wheel

pytestmark = [needs_engine(), pytest.mark.timeout(300)]
SCRIPT = READS_MODEL_DIR.format(path="model.txt")
DEPLOYMENT = {"computeType": "local"}


@pytest.fixture
def name() -> Iterator[str]:
    """A workspace's name; what it made on the engine is removed afterwards."""
    found = f"t{uuid4().hex[:10]}"
    yield found
    remove_workspace(found)
    with client() as engine:
        remove_images(engine, f"{names.WORKSPACE}={found}")


@pytest.fixture
async def workspace(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Workspace]:
    """A workspace with this machine's engine as a target."""
    monkeypatch.setenv("PILOTHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    opened = Workspace.open(name)
    settings = {"url": f"unix://{SOCKET}"}
    opened.targets.attach(
        TargetRecord(name="engine", kind="docker", workspace=name, settings=settings)
    )
    yield opened
    await opened.aclose()


@pytest.fixture
def inference(tmp_path: Path) -> dict[str, str]:
    """A script and a conda file whose packages lie in a folder."""
    wheel(tmp_path / "wheels", "harbour", "1.0")
    pip = "--no-index\n    - --find-links ../wheels\n    - harbour==1.0"
    conda = f"dependencies:\n- python=3.11\n- pip:\n    - {pip}\n"
    write_project(tmp_path, SCRIPT, **{"env.yml": conda})
    return {
        "entryScript": "score.py",
        "sourceDirectory": "project",
        "condaFile": "env.yml",
        "runtime": "python",
    }


async def test_an_update_builds_on_the_same_environment_and_a_rollback_builds_nothing(
    workspace: Workspace, inference: dict[str, str], tmp_path: Path
) -> None:
    register_text(workspace, "harbour", "first", tmp_path)
    wish = request("svc", "harbour:1", inference=inference, deployment=DEPLOYMENT, target="engine")
    plan = await workspace.services.plan(wish)
    assert [step.stage for step in plan.steps] == [
        Stage.BUNDLE,
        Stage.ENVIRONMENT,
        Stage.IMAGE,
        Stage.APPLY,
        Stage.START,
    ]
    happened = await events(workspace, plan)
    first = healthy(happened)
    assert first.spec.image
    assert first.spec.image.startswith(f"pilothouse/{workspace.name}-svc:r1-")
    steps = [event for event in happened if isinstance(event, StageStep)]
    assert any(step.size and step.seconds for step in steps)
    assert {step.stage for step in steps} <= {Stage.ENVIRONMENT, Stage.IMAGE}
    assert (await answer(workspace, "svc"))["model"] == "first"

    register_text(workspace, "harbour", "second", tmp_path)
    plan = await workspace.services.plan_update("svc", request("", "harbour:2"))
    happened = await events(workspace, plan)
    second = healthy(happened)
    details = {e.stage: e.detail for e in happened if isinstance(e, StageFinished)}
    assert details[Stage.ENVIRONMENT].startswith("cached")
    assert second.spec.image != first.spec.image
    assert (await answer(workspace, "svc"))["model"] == "second"

    plan = await workspace.services.plan_rollback("svc")
    assert ("image", "reuse") in {(step.stage.value, step.action) for step in plan.steps}
    happened = await events(workspace, plan)
    begun = {event.stage for event in happened if isinstance(event, StageStarted)}
    assert not begun & {Stage.ENVIRONMENT, Stage.IMAGE}
    assert healthy(happened).spec.image == first.spec.image
    assert (await answer(workspace, "svc"))["model"] == "first"

    with client() as engine:  # somebody pruned
        engine.remove_image(second.spec.image)
    plan = await workspace.services.plan_rollback("svc", second.spec.revision)
    happened = await events(workspace, plan)
    begun = {event.stage for event in happened if isinstance(event, StageStarted)}
    assert Stage.IMAGE in begun
    healthy(happened)
    assert (await answer(workspace, "svc"))["model"] == "second"


async def test_a_package_runs_by_hand(
    workspace: Workspace, inference: dict[str, str], tmp_path: Path
) -> None:
    register_text(workspace, "harbour", "packed", tmp_path)
    wish = request("svc", inference=inference).inference
    plan = workspace.packages.plan(
        PackageRequest(
            models=("harbour:1",),
            inference=wish,
            image_name="pilothouse-test-pack",
            image_label="1",
        )
    )
    delivery = await workspace.packages.delivery()
    *_, image = [item async for item in workspace.packages.build(plan, delivery)]
    assert not isinstance(image, str)
    assert image.reference == "pilothouse-test-pack:1"
    async with running(image.reference) as url:
        assert (await ask(url))["model"] == "packed"
    written = workspace.packages.write(plan, tmp_path / "out")
    assert {path.name for path in written.iterdir()} == {"Dockerfile", "azureml-app", "pilothouse"}
    model = written / "azureml-app" / "azureml-models" / "harbour" / "1" / "model.txt"
    assert model.read_text() == "packed"
    assert (written / "azureml-app" / "project" / "score.py").read_text() == SCRIPT
