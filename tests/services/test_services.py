"""The life of a service, on the real process target."""

import asyncio
from pathlib import Path

import pytest

from backends.errors import Conflict, InvalidInput, NotFound, Refused, Unschedulable, WaitTimeout
from backends.services.records import Stage, StageFinished, StateChanged
from backends.targets.records import LogLine, LogQuery, ServiceState, StreamEnd
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
PROCESS = {"computeType": "process"}


@pytest.fixture
def words(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with model words:1 and a project that reads it."""
    register_text(workspace, "words", "one", tmp_path)
    write_project(tmp_path, READS_MODEL_DIR.format(path="model.txt"))
    return workspace


async def test_a_plan_shows_what_will_be_made_and_makes_nothing(words: Workspace) -> None:
    """Steps, checks and the command line that does the same."""
    plan = await words.services.plan(
        request("words", "words", inference=INFERENCE, inference_file="ic.json")
    )
    assert [step.stage for step in plan.steps] == [
        Stage.BUNDLE,
        Stage.ENVIRONMENT,
        Stage.APPLY,
        Stage.START,
    ]
    assert plan.blocked == ()
    assert plan.command.startswith("pilothouse model deploy -n words -m words --ic ic.json")
    assert words.services.list() == ()


async def test_every_stage_and_state_is_an_event_and_is_stored(words: Workspace) -> None:
    """The timeline tells afterwards what the events told as it happened."""
    plan = await words.services.plan(request("words", "words", inference=INFERENCE))
    happened = await events(words, plan)
    assert healthy(happened).state is ServiceState.HEALTHY
    stages = [event.stage for event in happened if isinstance(event, StageFinished)]
    assert stages == [Stage.BUNDLE, Stage.APPLY, Stage.START]
    assert {timing.stage for timing in words.services.stages("words")} == set(stages)
    told = [e.transition for e in happened if isinstance(e, StateChanged)]
    stored = [t for t in reversed(words.services.timeline("words")) if t.kind == "state"]
    assert told == stored
    assert words.services.timeline("words")[-1].kind == "deploy"


async def test_another_process_sees_that_something_happened(words: Workspace) -> None:
    """One cheap number pair tells a console when to look again."""
    before = words.stamp()
    assert words.stamp() == before
    await deploy(words, request("words", "words", inference=INFERENCE))
    assert words.stamp() != before


async def test_a_name_is_taken_once(words: Workspace) -> None:
    """Overwrite replaces; without it nothing happens."""
    wish = request("words", "words", inference=INFERENCE)
    first = await deploy(words, wish)
    with pytest.raises(Conflict, match="exists already"):
        await words.services.plan(wish)
    replaced = await deploy(words, request("words", "words", inference=INFERENCE, overwrite=True))
    assert (replaced.serving, replaced.url) == (2, first.url)


async def test_init_that_raises_is_failed_with_all_evidence(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Traceback, last lines and the model directory's tree, on the service itself."""
    register_text(workspace, "words", "one", tmp_path)
    script = "print('loading')\n\n\ndef init():\n    raise ValueError('no such weights')\n\n\n"
    write_project(tmp_path, script + "def run(data):\n    return data\n")
    plan = await workspace.services.plan(request("broken", "words", inference=INFERENCE))
    ended = failed(await events(workspace, plan))
    assert "no such weights" in ended.error.what
    service = workspace.services.find("broken")
    assert service.state is ServiceState.FAILED
    assert 'raise ValueError("no such' in service.evidence.traceback.replace("'", '"')
    assert any("loading" in line for line in service.evidence.last_lines)
    assert any("model.txt" in path for path in service.evidence.model_tree)


async def test_a_failed_update_leaves_the_old_revision_serving(
    words: Workspace, tmp_path: Path
) -> None:
    """Serving and rolling out are two things."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    write_project(tmp_path, "def init():\n    raise OSError('x')\n\n\ndef run(d):\n    return d\n")
    plan = await words.services.plan_update("words", request("", inference=INFERENCE))
    failed(await events(words, plan))
    service = await words.services.show("words")
    assert (service.state, service.serving) == (ServiceState.UNHEALTHY, 1)
    assert (await answer(words, "words"))["model"] == "one"


async def test_roll_back_applies_an_earlier_revision_without_a_build(
    words: Workspace, tmp_path: Path
) -> None:
    """To the one before, or to any by number."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    register_text(words, "words", "two", tmp_path)
    healthy(await events(words, await words.services.plan_update("words", request("", "words:2"))))
    healthy(await events(words, await words.services.plan_rollback("words")))
    assert (await answer(words, "words"))["model"] == "one"
    healthy(await events(words, await words.services.plan_rollback("words", 2)))
    assert (await answer(words, "words"))["model"] == "two"
    notes = [revision.note for revision in words.services.revisions("words")]
    assert notes == ["rollback to r2", "rollback to r1", "update", "create"]
    with pytest.raises(InvalidInput, match="r9"):
        await words.services.plan_rollback("words", 9)


async def test_stop_keeps_the_record_and_start_brings_it_back(words: Workspace) -> None:
    """At the same address."""
    before = await deploy(words, request("words", "words", inference=INFERENCE))
    await words.services.stop("words")
    stopped = await words.services.wait("words", 30)
    assert stopped.state is ServiceState.STOPPED
    await words.services.start("words")
    async with asyncio.timeout(30):
        async for service in words.services.watch("words"):
            if service.state is ServiceState.HEALTHY:
                break
    assert service.url == before.url
    assert (await answer(words, "words"))["model"] == "one"


async def test_delete_leaves_nothing_but_the_activity(words: Workspace) -> None:
    """No process, no file, no record; what happened is still told."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    with pytest.raises(Refused, match="words"):
        words.registry.delete("words:1")
    await words.services.delete("words")
    assert not (words.root / "services" / "words").exists()
    assert words.services.list() == ()
    assert words.services.activity()[0].kind == "delete"
    with pytest.raises(NotFound):
        await words.services.delete("words")
    words.registry.delete("words:1")


async def test_more_than_the_machine_has_is_unschedulable(words: Workspace) -> None:
    """With asked and available, and the service says so until it is deleted."""
    wish = request(
        "words",
        "words",
        inference=INFERENCE,
        deployment={"computeType": "process", "containerResourceRequirements": {"cpu": 4096}},
    )
    plan = await words.services.plan(wish)
    assert "4096" in plan.blocked[0].detail
    ended = failed(await events(words, plan))
    assert isinstance(ended.error, Unschedulable)
    assert words.services.find("words").state is ServiceState.UNSCHEDULABLE


async def test_a_missing_script_is_told_with_the_file_that_names_it(words: Workspace) -> None:
    """The file's own name stands before the key."""
    wish = request("words", inference={"entryScript": "nowhere.py"}, inference_file="conf/ic.json")
    with pytest.raises(InvalidInput, match=r"conf/ic\.json.*entryScript"):
        await words.services.plan(wish)


async def test_a_taken_port_names_the_service_that_has_it(words: Workspace) -> None:
    """Not only its process."""
    first = await deploy(words, request("words", "words", inference=INFERENCE))
    assert first.url is not None
    taken = {"computeType": "process", "port": int(first.url.rpartition(":")[2])}
    plan = await words.services.plan(
        request("second", "words", inference=INFERENCE, deployment=taken)
    )
    assert any("test/words" in check.detail for check in plan.blocked)


async def test_keys_are_wanted_kept_and_replaced_without_a_restart(words: Workspace) -> None:
    """Either key opens; the database holds neither."""
    wish = request(
        "words", "words", inference=INFERENCE, deployment={**PROCESS, "authEnabled": True}
    )
    await deploy(words, wish)
    assert (await score(words, "words")).status == 401
    assert (await score(words, "words", key=True)).status == 200
    old = await words.services.keys("words")
    new = await words.services.regenerate_key("words", "Primary")
    assert new.primary != old.primary
    assert new.secondary == old.secondary
    assert (await score(words, "words", key=True)).status == 200
    with pytest.raises(InvalidInput, match="third"):
        await words.services.regenerate_key("words", "third")
    for unsendable in ("", "two words", "clé", "line\n"):
        with pytest.raises(InvalidInput, match="cannot be a key"):
            await words.services.regenerate_key("words", "Primary", unsendable)
    stored = b"".join(path.read_bytes() for path in words.root.glob("workspace.db*"))
    assert old.primary.encode() not in stored


async def test_an_update_must_name_something(words: Workspace) -> None:
    """v1's `no parameters`."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    with pytest.raises(InvalidInput, match="no parameters"):
        await words.services.plan_update("words", request(""))


async def test_another_console_finds_the_service_from_its_target(words: Workspace) -> None:
    """Even when it has lost its database."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    with words.database.write() as db:
        db.execute("DELETE FROM services")
    found = await words.services.refresh()
    assert [(service.name, service.state) for service in found] == [("words", ServiceState.HEALTHY)]
    assert found[0].spec.models[0].id == "words:1"


async def test_logs_follow_what_run_prints(words: Workspace) -> None:
    """Each line with its request."""
    await deploy(words, request("words", "words", inference=INFERENCE))
    got = await score(words, "words", "[1, 2]")
    printed = None
    async with asyncio.timeout(10):
        async for item in words.services.logs("words", LogQuery(follow=True)):
            if isinstance(item, LogLine) and "scoring 6" in item.text:
                printed = item
                break
    assert printed is not None
    assert printed.request_id == got.request_id
    items = [item async for item in words.services.logs("words", LogQuery(tail=5))]
    assert isinstance(items[-1], StreamEnd)


async def test_a_wait_that_is_too_short_says_what_goes_on(
    workspace: Workspace, tmp_path: Path
) -> None:
    """And the service goes on."""
    script = "import time\n\n\ndef init():\n    time.sleep(5)\n\n\n"
    write_project(tmp_path, script + "def run(data):\n    return data\n")
    plan = await workspace.services.plan(request("slow", inference=INFERENCE))
    last = [event async for event in workspace.services.run(plan, timeout=0.5)]
    assert isinstance(failed(last).error, WaitTimeout)
    assert workspace.services.find("slow").state is ServiceState.TRANSITIONING


async def test_one_operation_a_service_at_a_time(words: Workspace) -> None:
    """A second one is told which is in progress."""
    plan = await words.services.plan(request("words", "words", inference=INFERENCE))
    run = words.services.run(plan)
    await anext(run)
    with pytest.raises(Conflict, match=r"create .* is in progress"):
        await words.services.delete("words")
    async for _ in run:
        pass


@pytest.mark.parametrize("models", [(), ("words", "words"), ("nothing",)])
async def test_wishes_that_cannot_be_met_are_refused(
    words: Workspace, models: tuple[str, ...]
) -> None:
    """No model and no script, one twice, one that does not exist."""
    with pytest.raises((InvalidInput, NotFound)):
        await words.services.plan(request("words", *models))
