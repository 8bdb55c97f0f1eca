"""The process driver: the conformance suite, and what holds for processes alone."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from backends.errors import Conflict
from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.records import LogLine, LogQuery, ServiceSpec, ServiceState, Status, StreamEnd
from backends.targets.specs import spec_to_json
from tests.support.services import (
    BROKEN,
    DEADLINE,
    applied,
    bundle,
    echo,
    following,
    healthy,
    logged,
    score,
    until,
)
from tests.targets.conformance import KEYS, Conformance

HEALTHY = ServiceState.HEALTHY

CONSOLE = """
import asyncio, sys
from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.specs import spec_from_json

async def main():
    spec = spec_from_json(sys.stdin.read())
    target = TargetRecord(name=spec.target, kind="process", workspace=spec.workspace)
    async with open_driver(target) as driver:
        await driver.apply(spec, None)

asyncio.run(main())
"""

MEETING = """
import os, time
def init():
    pass
def run(data):
    open(os.path.join({folder!r}, str(os.getpid())), "w").close()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if len(os.listdir({folder!r})) == 2:
            return "met"
        time.sleep(0.01)
    return "alone"
"""


def collected(folder: Path) -> list[Path]:
    """The files of predictions below a folder, relative to it."""
    return [path.relative_to(folder) for path in folder.rglob("predictions.csv")]


class TestProcess(Conformance):
    kind = "process"

    @pytest.fixture
    def target(self) -> TargetRecord:
        return TargetRecord(name="local", kind="process", workspace="default")

    @pytest.fixture
    def folder(self, home: Path, spec: ServiceSpec) -> Path:
        return home / "workspaces" / "default" / "services" / spec.name

    async def test_the_service_outlives_the_console_that_deployed_it(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        console = [sys.executable, "-c", CONSOLE]
        await asyncio.to_thread(
            subprocess.run, console, input=spec_to_json(spec), text=True, check=True
        )
        await healthy(driver, spec.name)
        assert (await score(driver, spec.name))[0] == 200

    async def test_a_supervisor_that_is_gone_is_a_failure_with_its_signal(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        await logged(driver, spec.name, "starting 4")
        supervisor, *workers = processes(spec)
        supervisor.kill()
        status = await until(driver, spec.name, lambda s: s.evidence.exit_code is not None)
        assert status.state is ServiceState.FAILED
        assert f"the supervisor of {spec.name} is gone" in status.reason
        assert "SIGKILL" in status.reason
        assert status.evidence.exit_code == -signal.SIGKILL
        assert status.evidence.last_lines
        await driver.start(spec.name)
        await healthy(driver, spec.name)
        assert not any(map(runs, workers))

    async def test_a_service_from_before_the_machine_was_restarted_says_so(
        self, driver: Driver, spec: ServiceSpec, folder: Path
    ) -> None:
        await applied(driver, spec)
        processes(spec)[0].kill()
        await until(driver, spec.name, lambda s: s.state is ServiceState.FAILED)
        note = json.loads((folder / "supervisor.json").read_text())
        (folder / "supervisor.json").write_text(json.dumps({**note, "identity": "earlier:1"}))
        status = await until(driver, spec.name, lambda s: s.state is ServiceState.FAILED)
        assert "this machine was started anew" in status.reason
        await driver.start(spec.name)
        await healthy(driver, spec.name)

    async def test_collected_data_lies_in_the_services_folder_and_goes_with_it(
        self, driver: Driver, spec: ServiceSpec, folder: Path
    ) -> None:
        await applied(driver, replace(spec, collect_data=True))
        assert (await score(driver, spec.name))[0] == 200
        deadline = asyncio.get_running_loop().time() + DEADLINE
        while not (found := collected(folder / "modeldata")):
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)
        assert found[0].parts[:4] == ("default", "default", "default", spec.name)
        await driver.delete(spec.name)
        assert not collected(folder)

    async def test_a_worker_that_dies_is_replaced(self, driver: Driver, spec: ServiceSpec) -> None:
        await applied(driver, spec)
        _, worker = processes(spec)
        worker.kill()
        await until(driver, spec.name, lambda s: s.ready == 0)
        await healthy(driver, spec.name)
        assert (await score(driver, spec.name))[0] == 200

    async def test_a_taken_port_names_its_owner(
        self, driver: Driver, spec: ServiceSpec, taken_port: int
    ) -> None:
        wanted = replace(spec, port=taken_port)
        (check,) = [c for c in await driver.preflight(wanted) if c.name == "port"]
        assert not check.ok
        with pytest.raises(Conflict, match=rf"port {taken_port} is taken by .*pid {os.getpid()}"):
            await driver.apply(wanted, None)
        assert await driver.services() == ()
        await applied(driver, spec)
        with pytest.raises(Conflict, match=str(taken_port)):
            await driver.apply(replace(wanted, revision=2), None)
        await healthy(driver, spec.name)

    async def test_the_port_of_the_config_is_used_and_may_change(
        self, driver: Driver, spec: ServiceSpec, taken_port: int, tmp_path: Path
    ) -> None:
        await applied(driver, spec)
        second = replace(spec, revision=2, port=free_port(), bundle=echo(tmp_path, revision=2))
        await applied(driver, second, revision=2)
        async with driver.endpoint(spec.name) as endpoint:
            assert endpoint.url.endswith(f":{second.port}")
        assert (await score(driver, spec.name))[1]["revision"] == 2

    async def test_no_secret_leaves_its_file(
        self,
        driver: Driver,
        spec: ServiceSpec,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("CLOUD_TOKEN", "console-only-secret")
        await driver.apply(replace(spec, auth=True), KEYS)
        await healthy(driver, spec.name)
        secrets = (KEYS.primary, KEYS.secondary, "console-only-secret")
        for process in processes(spec):
            shown = [*process.cmdline(), *process.environ().values()]
            assert not any(secret in text for secret in secrets for text in shown)
        holders = [p for p in files_of(folder) if any(t in p.read_text() for t in secrets)]
        assert holders == [folder / "keys.json"]
        assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600

    async def test_delete_leaves_no_process_and_no_file(
        self, driver: Driver, spec: ServiceSpec, folder: Path
    ) -> None:
        await applied(driver, spec)
        before = processes(spec)
        await driver.delete(spec.name)
        assert not any(map(runs, before))
        assert list(folder.parent.iterdir()) == []

    async def test_delete_ends_a_supervisor_that_answers_nothing(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        before = processes(spec)
        before[0].suspend()
        await driver.delete(spec.name)
        assert not any(map(runs, before))
        assert await driver.services() == ()

    async def test_two_consoles_that_deploy_the_same_start_it_once(
        self, driver: Driver, spec: ServiceSpec, target: TargetRecord
    ) -> None:
        async with open_driver(target) as other:
            await asyncio.gather(driver.apply(spec, None), other.apply(spec, None))
        await healthy(driver, spec.name)
        supervisors = [p for p in processes(spec) if "backends.scoring" in p.cmdline()]
        assert len(supervisors) == 1

    async def test_a_service_whose_folder_was_lost_is_found_and_deleted(
        self, driver: Driver, spec: ServiceSpec, folder: Path
    ) -> None:
        await applied(driver, spec)
        before = processes(spec)
        shutil.rmtree(folder)
        (found,) = await driver.services()
        assert found.spec.name == spec.name
        assert "folder is gone" in found.status.reason
        await driver.delete(spec.name)
        assert not any(map(runs, before))
        assert await driver.services() == ()

    async def test_a_start_tries_again_what_failed(
        self, driver: Driver, spec: ServiceSpec, tmp_path: Path
    ) -> None:
        """Its `init()` needed a file that is there now."""
        needed = tmp_path / "needed"
        script = f"def init():\n    open({str(needed)!r})\n\n\ndef run(data):\n    return 1\n"
        await driver.apply(replace(spec, bundle=bundle(tmp_path / "app", script)), None)
        await until(driver, spec.name, lambda s: s.state is ServiceState.FAILED)
        needed.touch()
        await driver.start(spec.name)
        await healthy(driver, spec.name)

    async def test_after_a_failed_update_a_start_brings_back_what_served(
        self, driver: Driver, spec: ServiceSpec, tmp_path: Path
    ) -> None:
        await applied(driver, spec)
        await driver.apply(replace(spec, revision=2, bundle=bundle(tmp_path, BROKEN)), None)
        await until(driver, spec.name, lambda s: s.state is ServiceState.UNHEALTHY)
        await driver.stop(spec.name)
        await driver.start(spec.name)
        await healthy(driver, spec.name, revision=1)

    async def test_scaled_it_runs_requests_at_once(
        self, driver: Driver, spec: ServiceSpec, tmp_path: Path
    ) -> None:
        meeting = tmp_path / "meeting"
        meeting.mkdir()
        script = MEETING.format(folder=str(meeting))
        await applied(driver, replace(spec, bundle=bundle(tmp_path, script)))
        await driver.scale(spec.name, 2)
        await until(driver, spec.name, lambda s: s.ready == 2)
        answers = await asyncio.gather(score(driver, spec.name), score(driver, spec.name))
        assert [*answers] == [(200, "met"), (200, "met")]

    async def test_one_watch_sees_a_stop_a_start_and_a_move_and_no_failure(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        states: list[ServiceState] = []
        async with asyncio.timeout(DEADLINE), contextlib.aclosing(driver.watch(spec.name)) as seen:
            async for status in seen:
                assert isinstance(status, Status)
                if status.state in states[-1:]:
                    continue
                states.append(status.state)
                if states == [HEALTHY]:
                    await driver.stop(spec.name)
                elif status.state is ServiceState.STOPPED:
                    await driver.start(spec.name)
                elif status.state is HEALTHY and status.serving == 2:
                    break
                elif status.state is HEALTHY:
                    await driver.apply(replace(spec, revision=2, port=free_port()), None)
        assert ServiceState.FAILED not in states
        assert states.count(ServiceState.STOPPED) == 1

    async def test_a_control_socket_that_was_cleaned_away_hinders_nobody(
        self, driver: Driver, spec: ServiceSpec, folder: Path, tmp_path: Path
    ) -> None:
        await applied(driver, spec)
        remove_socket(folder)
        await healthy(driver, spec.name)
        second = replace(spec, revision=2, bundle=echo(tmp_path, revision=2))
        await applied(driver, second, revision=2)
        assert (await score(driver, spec.name))[1]["revision"] == 2
        await driver.stop(spec.name)
        await until(driver, spec.name, lambda s: s.state is ServiceState.STOPPED)

    async def test_a_follower_goes_on_through_a_restart_for_an_update(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        boots: list[str] = []
        async for item in following(driver, spec.name):
            assert isinstance(item, LogLine)
            if item.boot not in boots:
                boots.append(item.boot)
                if len(boots) == 2:
                    break
                await driver.apply(replace(spec, revision=2, port=free_port()), None)

    async def test_the_log_of_a_stopped_service_ends(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        await driver.stop(spec.name)
        *_, end = [i async for i in driver.logs(spec.name, LogQuery(follow=True))]
        assert end == StreamEnd("the service was stopped")

    async def test_a_broken_description_is_shown_and_can_be_replaced_or_deleted(
        self, driver: Driver, spec: ServiceSpec, folder: Path
    ) -> None:
        await applied(driver, spec)
        (folder / "service.json").write_text("{")
        (found,) = await driver.services()
        assert found.spec.name == spec.name
        await driver.stop(spec.name)
        await applied(driver, replace(spec, revision=2), revision=2)
        (folder / "service.json").write_bytes(b"\xff")
        await driver.delete(spec.name)
        assert await driver.services() == ()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def runs(process: psutil.Process) -> bool:
    """It is there and no zombie that its parent has not looked at yet."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def remove_socket(folder: Path) -> None:
    """As a login session's end does to its runtime folder."""
    Path(json.loads((folder / "supervisor.json").read_text())["socket"]).unlink()


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def processes(spec: ServiceSpec) -> list[psutil.Process]:
    """The supervisor first, then its workers."""
    mark = f"{spec.workspace}/{spec.name}"
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PILOTHOUSE_SERVICE") == mark:
                found.append(process)
        except psutil.Error:
            continue
    return sorted(found, key=lambda p: p.pid)
