"""What every driver holds of a service's log."""

import contextlib
from pathlib import Path

import pytest

from backends.targets.catalog import TargetRecord
from backends.targets.driver import Driver
from backends.targets.records import LogLine, LogQuery, ServiceSpec, StreamEnd
from tests.support.services import (
    applied,
    echo,
    following,
    healthy,
    log_items,
    logged,
    score,
    texts,
)
from tests.targets.conforming import Conforming


class LogConformance(Conforming):
    """Order, tail, since, following, the previous instance."""

    async def test_log_lines_come_in_order_without_a_gap(
        self, driver: Driver, target: TargetRecord, tmp_path: Path
    ) -> None:
        spec = await applied(driver, await self.specify(target, echo(tmp_path, lines=2000)))
        await logged(driver, spec.name, "starting 1999")
        *items, end = await log_items(driver, spec.name, LogQuery())
        assert isinstance(end, StreamEnd)
        lines = [item for item in items if isinstance(item, LogLine)]
        assert len(lines) == len(items)
        first = lines[0].sequence
        assert [line.sequence for line in lines] == list(range(first, first + len(lines)))
        assert len({line.boot for line in lines}) == 1
        said = [line.text for line in lines if line.text.startswith("starting ")]
        assert said == [f"starting {number}" for number in range(2000)]

    async def test_the_tail_is_the_last_lines(self, driver: Driver, spec: ServiceSpec) -> None:
        await applied(driver, spec)
        await logged(driver, spec.name, "Healthy")
        every = await log_items(driver, spec.name, LogQuery())
        assert await log_items(driver, spec.name, LogQuery(tail=3)) == every[-4:]
        assert await log_items(driver, spec.name, LogQuery(tail=0)) == every[-1:]

    async def test_since_leaves_out_what_is_older(self, driver: Driver, spec: ServiceSpec) -> None:
        await applied(driver, spec)
        await logged(driver, spec.name, "starting 4")
        lines = [
            i for i in await log_items(driver, spec.name, LogQuery()) if isinstance(i, LogLine)
        ]
        middle = lines[len(lines) // 2].time
        newer = await log_items(driver, spec.name, LogQuery(since=middle))
        assert newer[:-1] == [line for line in lines if line.time >= middle]

    async def test_following_shows_new_lines_and_ends_with_the_service(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        await applied(driver, spec)
        seen: list[str] = []
        async with contextlib.aclosing(following(driver, spec.name)) as items:
            async for item in items:
                if isinstance(item, StreamEnd):
                    assert item.reason
                    break
                assert isinstance(item, LogLine)
                seen.append(item.text)
                if item.text == "starting 4":
                    assert (await score(driver, spec.name, {"x": 7}))[0] == 200
                if item.text.startswith("asked"):
                    await driver.delete(spec.name)
        assert 'asked {"x": 7}' in seen

    async def test_the_previous_instance_keeps_its_log(
        self, driver: Driver, spec: ServiceSpec
    ) -> None:
        if not driver.capabilities.stop or not driver.capabilities.log_outlives_stop:
            pytest.skip("it cannot be stopped, or its log goes then")
        await applied(driver, spec)
        await score(driver, spec.name, "first life")
        await logged(driver, spec.name, "first life")
        await driver.stop(spec.name)
        await driver.start(spec.name)
        await healthy(driver, spec.name)
        await logged(driver, spec.name, "starting 4")
        assert 'asked "first life"' not in await texts(driver, spec.name, LogQuery())
        before = await texts(driver, spec.name, LogQuery(previous=True))
        assert before[-1] == 'asked "first life"'
        every = await log_items(driver, spec.name, LogQuery(previous=True))
        assert await log_items(driver, spec.name, LogQuery(previous=True, tail=4)) == every[-5:]
