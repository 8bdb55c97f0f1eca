"""What every driver holds, written once: a driver's tests are one class with one fixture.

    class TestProcess(Conformance):
        kind = "process"

        @pytest.fixture
        def target(self) -> TargetRecord: ...

Where targets differ, the suite asks their capabilities. Services are real: small entry scripts
that need nothing but the standard library.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from backends.errors import InvalidInput, NotFound, Unsupported
from backends.targets.catalog import TargetRecord, open_driver
from backends.targets.driver import Driver
from backends.targets.records import (
    Keys,
    LogLine,
    LogQuery,
    Resources,
    ServiceSpec,
    ServiceState,
    StreamEnd,
)
from backends.targets.terminal import ExecRequest
from tests.support.services import (
    BROKEN,
    DEADLINE,
    applied,
    bundle,
    echo,
    eventually,
    healthy,
    log_items,
    logged,
    score,
    until,
    written,
)
from tests.targets.conforming_logs import LogConformance

KEYS = Keys("primary-0123456789abcdef", "secondary-0123456789abcdef")


class Conformance(LogConformance):
    """Subclass it as `Test…` and give the fixture `target`."""

    # Reaching it

    async def test_check_says_what_the_target_is(self, driver: Driver) -> None:
        info = await driver.check()
        assert info.version
        assert info.identity
        if driver.capabilities.capacity_known:
            assert info.cpus
            assert info.memory_gb

    async def test_more_than_the_target_has_is_told_beforehand(
        self, driver: Driver, spec: ServiceSpec, target: TargetRecord
    ) -> None:
        if not driver.capabilities.capacity_known:
            pytest.skip("the capacity is not known beforehand")
        assert all(check.ok for check in await driver.preflight(spec) if check.blocking)
        greedy = Resources(cpu=6400, memory_gb=640_000)
        asked = await self.specify(target, spec.bundle or Path(), resources=greedy)
        failed = {c.name: c for c in await driver.preflight(asked) if not c.ok and c.blocking}
        assert {"cpu", "memory"} <= failed.keys()
        assert "asked 6400 cores" in failed["cpu"].detail
        assert all(check.fix for check in failed.values())

    # Creating

    async def test_a_service_becomes_healthy_and_answers(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await driver.apply(spec, None)
        status = await healthy(driver, spec.name)
        assert status.ready == status.wanted == 1
        assert await score(driver, spec.name, {"x": 1}) == (200, {"revision": 1, "echo": {"x": 1}})

    async def test_another_console_finds_the_same_services(
        self, driver: Driver, spec: ServiceSpec, target: TargetRecord
    ) -> None:
        await applied(driver, spec)
        async with open_driver(target) as other:
            (found,) = await other.services()
            assert found.spec == spec
            assert found.status.state is ServiceState.HEALTHY
            assert (await score(other, spec.name))[0] == 200

    async def test_applying_the_same_again_changes_nothing(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        await logged(driver, spec.name, "starting 4")
        await driver.apply(spec, None)
        await healthy(driver, spec.name)
        items = await log_items(driver, spec.name, LogQuery())
        assert sum(isinstance(i, LogLine) and i.text == "starting 0" for i in items) == 1

    async def test_a_service_that_cannot_start_fails_with_its_evidence(
        self, driver: Driver, target: TargetRecord, tmp_path: Path
    ) -> None:
        spec = await self.specify(target, bundle(tmp_path, BROKEN))
        await driver.apply(spec, None)
        status = await until(driver, spec.name, lambda s: s.state is ServiceState.FAILED)
        assert "the weights are missing" in status.reason
        assert status.evidence.stage == "init"
        assert "ValueError" in status.evidence.traceback
        assert "about to fail" in "\n".join(status.evidence.last_lines)
        (found,) = await driver.services()
        assert found.status.state is ServiceState.FAILED

    async def test_a_name_that_leaves_its_place_is_refused(
        self, driver: Driver, target: TargetRecord, tmp_path: Path
    ) -> None:
        for name in ("../up", "", ".", "a/b", "nul\0"):
            spec = await self.specify(target, tmp_path, name=name)
            with pytest.raises(InvalidInput):
                await driver.apply(spec, None)

    # Changing

    async def test_an_update_serves_the_new_revision(
        self, driver: Driver, spec: ServiceSpec, tmp_path: Path
    ) -> None:
        await applied(driver, spec)
        second = await self.changed(spec, echo(tmp_path, revision=2))
        await applied(driver, second, revision=2)
        assert (await score(driver, spec.name))[1]["revision"] == 2
        (found,) = await driver.services()
        assert found.spec == second

    async def test_an_update_loses_no_request(
        self, driver: Driver, spec: ServiceSpec, tmp_path: Path
    ) -> None:
        if not driver.capabilities.zero_loss_model_update:
            pytest.skip("requests are lost during an update")
        await applied(driver, spec)
        answers: list[tuple[int, Any]] = []

        async def ask() -> None:
            while not answers or answers[-1][1].get("revision") == 1:
                answers.append(await score(driver, spec.name))

        async with asyncio.TaskGroup() as group:
            group.create_task(ask())
            second = await self.changed(spec, echo(tmp_path, revision=2))
            await applied(driver, second, revision=2)
        assert {status for status, _ in answers} == {200}
        served = [body["revision"] for _, body in answers]
        assert served == sorted(served)

    async def test_an_update_that_fails_leaves_the_old_revision_serving(
        self, driver: Driver, spec: ServiceSpec, tmp_path: Path
    ) -> None:
        if not driver.capabilities.zero_loss_model_update:
            pytest.skip("the old revision does not outlive the update")
        await applied(driver, spec)
        await driver.apply(await self.changed(spec, bundle(tmp_path, BROKEN)), None)
        status = await until(driver, spec.name, lambda s: s.state is ServiceState.UNHEALTHY)
        assert status.serving == 1
        assert "revision 2" in status.reason
        assert "ValueError" in status.evidence.traceback
        assert (await score(driver, spec.name))[1]["revision"] == 1

    async def test_a_program_beside_the_service_has_a_terminal(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        if not driver.capabilities.exec:
            pytest.skip("it runs no programs beside a service")
        await applied(driver, spec)
        asked = ExecRequest(columns=101, rows=37)
        async with asyncio.timeout(DEADLINE), driver.exec(spec.name, asked) as terminal:
            terminal.write(b"stty size; exit 7\n")
            assert b"37 101" in await written(terminal)
            assert await terminal.exit_code() == 7

    async def test_every_replica_is_told_with_its_state(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        for replica in await driver.replicas(spec.name):
            assert (replica.state, replica.role) == (ServiceState.HEALTHY, "serving")
            assert replica.revision == 1
            assert replica.since > 0

    async def test_stopped_and_started_it_keeps_its_address(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        if not driver.capabilities.stop:
            pytest.skip("it cannot be stopped")
        await applied(driver, spec)
        (before,) = await driver.services()
        await driver.stop(spec.name)
        status = await until(driver, spec.name, lambda s: s.state is ServiceState.STOPPED)
        assert (status.serving, status.ready) == (None, 0)
        await driver.stop(spec.name)
        await driver.start(spec.name)
        await healthy(driver, spec.name)
        (after,) = await driver.services()
        assert after.url == before.url
        assert (await score(driver, spec.name))[0] == 200

    async def test_keys_open_the_service_and_can_be_changed(
        self, driver: Driver, spec: ServiceSpec, target: TargetRecord
    ) -> None:
        locked = await self.specify(target, spec.bundle or Path(), auth=True)
        await driver.apply(locked, KEYS)
        await healthy(driver, locked.name)
        assert await driver.keys(locked.name) == KEYS
        assert "primary-0123" not in repr(await driver.keys(locked.name))
        assert (await score(driver, locked.name))[0] == 401
        for key in (KEYS.primary, KEYS.secondary):
            assert (await score(driver, locked.name, key=key))[0] == 200
        if driver.capabilities.rotate_keys_without_restart:
            await driver.set_keys(locked.name, Keys("another-0123456789", KEYS.secondary))

            async def refused() -> bool:
                return (await score(driver, locked.name, key=KEYS.primary))[0] == 401

            await eventually(refused)
            assert (await score(driver, locked.name, key="another-0123456789"))[0] == 200
            assert (await score(driver, locked.name, key=KEYS.secondary))[0] == 200

    async def test_a_service_that_answers_without_has_no_keys(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        with pytest.raises(NotFound, match="answers without"):
            await driver.keys(spec.name)

    async def test_scaled_it_has_as_many_replicas(self, driver: Driver, spec: ServiceSpec) -> None:
        if not driver.capabilities.scale:
            pytest.skip("it cannot be scaled")
        await applied(driver, spec)
        for count in (2, 1):
            await driver.scale(spec.name, count)
            await until(driver, spec.name, lambda s, c=count: (s.ready, s.wanted) == (c, c))  # type: ignore[misc]
            (found,) = await driver.services()
            assert found.spec.replicas == count
        with pytest.raises(InvalidInput):
            await driver.scale(spec.name, 0)

    async def test_usage_counts_the_processes_that_run(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        if not driver.capabilities.usage:
            pytest.skip("usage is not measured")
        await applied(driver, spec)
        usage = await driver.usage(spec.name)
        assert usage.processes >= 1
        assert usage.memory_bytes > 1_000_000
        assert usage.cpu_percent >= 0

    # Ending

    async def test_deleted_it_is_gone_and_its_watch_ends(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        async with asyncio.timeout(DEADLINE), contextlib.aclosing(driver.watch(spec.name)) as seen:
            await anext(seen)
            await driver.delete(spec.name)
            *_, last = [item async for item in seen]
        assert isinstance(last, StreamEnd)
        assert await driver.services() == ()
        await driver.delete(spec.name)

    async def test_closing_the_driver_ends_streams_and_no_service(
        self, driver: Driver, spec: ServiceSpec, target: TargetRecord
    ) -> None:
        await applied(driver, spec)
        async with open_driver(target) as other:
            lines = other.logs(spec.name, LogQuery(follow=True))
            assert isinstance(await anext(lines), LogLine)
        async with asyncio.timeout(DEADLINE):
            *_, last = [item async for item in lines]
        assert isinstance(last, StreamEnd)
        assert (await score(driver, spec.name))[0] == 200

    async def test_what_is_not_there_is_named(self, driver: Driver) -> None:
        able = driver.capabilities
        with pytest.raises(NotFound, match="nobody"):
            await log_items(driver, "nobody", LogQuery())
        with pytest.raises(NotFound, match="nobody"):
            async with driver.endpoint("nobody"):
                pass
        with pytest.raises(NotFound, match="nobody"):
            await anext(driver.watch("nobody"))
        with pytest.raises(NotFound if able.stop else Unsupported, match="nobody"):
            await driver.stop("nobody")
        with pytest.raises(NotFound if able.scale else Unsupported, match="nobody"):
            await driver.scale("nobody", 2)
        await driver.delete("nobody")
