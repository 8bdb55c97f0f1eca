"""What updates, rollbacks and broken off deployments leave behind."""

from pathlib import Path

import pytest

from backends.errors import Conflict, InvalidInput, Refused, Unavailable
from backends.registry.records import Registration
from backends.services.records import Stage, StageStarted
from backends.targets.records import ServiceState
from backends.workspace import Workspace
from tests.support.deploying import (
    READS_MODEL_DIR,
    answer,
    deploy,
    events,
    failed,
    healthy,
    register_text,
    request,
    score,
    write_project,
)

INFERENCE = {"entryScript": "score.py", "sourceDirectory": "./project"}

TOO_LARGE = {"computeType": "process", "containerResourceRequirements": {"cpu": 4096}}


@pytest.fixture
def words(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with model words:1 and a project that reads it."""
    register_text(workspace, "words", "one", tmp_path)
    write_project(tmp_path, READS_MODEL_DIR.format(path="model.txt"))
    return workspace


async def test_an_update_that_was_never_applied_is_not_what_the_next_one_starts_from(
    words: Workspace,
) -> None:
    """Its spec has no files; the service is still what runs."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    plan = await words.services.plan_update("words", request("", deployment=TOO_LARGE))
    failed(await events(words, plan))
    service = await words.services.show("words")
    assert (service.spec.revision, service.spec.resources.cpu) == (1, None)
    plan = await words.services.plan_update("words", request("", tags={"a": "b"}))
    assert healthy(await events(words, plan)).spec.revision == 3
    assert (await answer(words, "words"))["model"] == "one"


async def test_the_models_of_what_serves_stay_in_use_while_an_update_may_fail(
    words: Workspace, tmp_path: Path
) -> None:
    """And are free once another revision serves."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    register_text(words, "words", "two", tmp_path)
    wish = request("", "words:2", deployment=TOO_LARGE)
    failed(await events(words, await words.services.plan_update("words", wish)))
    with pytest.raises(Refused, match="words"):
        words.registry.delete("words:1")
    assert words.registry.used_by("words:2") == ()
    healthy(await events(words, await words.services.plan_update("words", request("", "words:2"))))
    words.registry.delete("words:1")


async def test_a_service_that_never_ran_is_deployed_anew_not_updated(words: Workspace) -> None:
    """There are no files that an update could keep."""
    wish = request("words", "words", inference=INFERENCE, deployment=TOO_LARGE)
    failed(await events(words, await words.services.plan(wish)))
    with pytest.raises(Conflict, match="never reached its target"):
        await words.services.plan_update(
            "words", request("", deployment={"computeType": "process"})
        )
    waited = await words.services.wait("words", 10)
    assert waited.state is ServiceState.UNSCHEDULABLE
    again = request("words", "words", inference=INFERENCE, overwrite=True)
    assert (await deploy(words, again)).serving == 2


async def test_rollback_without_a_number_passes_over_revisions_that_never_answered(
    words: Workspace, tmp_path: Path
) -> None:
    """After two failed updates it means the one that still serves."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    write_project(tmp_path, "def init():\n    raise OSError('x')\n\n\ndef run(d):\n    return d\n")
    for _ in range(2):
        plan = await words.services.plan_update("words", request("", inference=INFERENCE))
        failed(await events(words, plan))
    plan = await words.services.plan_rollback("words")
    assert plan.notes == ("rollback to r1",)
    assert healthy(await events(words, plan)).serving == 4


async def test_there_is_no_rollback_to_a_revision_that_was_never_made(words: Workspace) -> None:
    """It has no files to run from."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    plan = await words.services.plan_update("words", request("", deployment=TOO_LARGE))
    failed(await events(words, plan))
    for number in (None, 2):
        with pytest.raises(InvalidInput, match="to roll back to"):
            await words.services.plan_rollback("words", number)


async def test_a_plan_is_refused_when_another_console_was_first(words: Workspace) -> None:
    """It would replace the other's revision under its own number."""
    wish = request("words", "words", inference=INFERENCE)
    first, second = [await words.services.plan(wish) for _ in range(2)]
    healthy(await events(words, first))
    with pytest.raises(Conflict, match="since this was planned"):
        await events(words, second)


async def test_an_update_keeps_what_earlier_updates_changed(words: Workspace) -> None:
    """Tags, description and replicas: what was deployed first does not come back."""
    said = {"computeType": "process", "tags": {"a": "1", "b": "1"}, "description": "old"}
    await deploy(words, request("words", "words", inference=INFERENCE, deployment=said))
    wish = request("", tags={"a": "2"}, remove_tags=("b",), description="new")
    healthy(await events(words, await words.services.plan_update("words", wish)))
    await words.services.scale("words", 2)
    plan = await words.services.plan_update("words", request("", properties={"p": "1"}))
    assert (plan.spec.tags, plan.spec.description) == ({"a": "2"}, "new")
    assert (plan.spec.replicas, plan.spec.properties) == (2, {"p": "1"})


async def test_a_deployment_that_was_broken_off_does_not_stay_in_transition(
    words: Workspace,
) -> None:
    """While its operation is held it does; the next look after that finds it failed."""
    plan = await words.services.plan(request("words", "words", inference=INFERENCE))
    run = words.services.run(plan)
    async for event in run:
        if isinstance(event, StageStarted) and event.stage is Stage.BUNDLE:
            break
    assert (await words.services.show("words")).state is ServiceState.TRANSITIONING
    await run.aclose()
    service = await words.services.show("words")
    assert service.state is ServiceState.FAILED
    assert "broken off" in service.reason
    await words.services.delete("words")


async def test_files_that_cannot_be_written_end_the_run_with_a_reason(words: Workspace) -> None:
    """Not with a traceback, and not in transition."""
    plan = await words.services.plan(request("words", "words", inference=INFERENCE))
    in_the_way = words.root / "services"
    in_the_way.write_text("")
    ended = failed(await events(words, plan))
    in_the_way.unlink()
    assert isinstance(ended.error, Unavailable)
    assert words.services.find("words").state is ServiceState.FAILED


async def test_a_found_service_is_updated_although_its_models_are_registered_nowhere(
    words: Workspace,
) -> None:
    """A lost database takes the registry with it; keys are wanted as before."""
    said = {"computeType": "process", "authEnabled": True, "numReplicas": 2}
    await deploy(words, request("words", "words", inference=INFERENCE, deployment=said))
    before = await words.services.keys("words")
    with words.database.write() as db:
        db.execute("DELETE FROM services")
        db.execute("DELETE FROM uses")
    words.registry.delete("words:1")
    assert [service.name for service in await words.services.refresh()] == ["words"]
    plan = await words.services.plan_update("words", request("", tags={"a": "b"}))
    assert (plan.spec.auth, plan.spec.replicas) == (True, 2)
    assert healthy(await events(words, plan)).serving == 2
    assert (await score(words, "words")).status == 401
    assert await words.services.keys("words") == before


async def test_an_update_keeps_the_sample_of_the_models_that_stay(
    words: Workspace, tmp_path: Path
) -> None:
    """It is what warms a new worker."""
    (tmp_path / "model.txt").write_text("two")
    sampled = Registration(name="words", path=str(tmp_path / "model.txt"), sample_input="[1]")
    words.registry.register(sampled)
    await deploy(words, request("words", "words", inference=INFERENCE))
    plan = await words.services.plan_update("words", request("", tags={"a": "b"}))
    assert plan.spec.sample == "[1]"
