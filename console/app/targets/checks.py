"""Asking a target whether it answers, and keeping what the header shows of that."""

import asyncio

from backends.errors import PilothouseError
from backends.targets.records import Capabilities, TargetInfo
from console.app.shell.context import Context, Link


async def check(context: Context, name: str) -> TargetInfo | PilothouseError:
    """What the target says of itself, or why it does not answer; its link is noted."""
    try:
        driver = await context.threads.run(context.workspace.targets.open, name)
        context.able[name] = driver.capabilities
        info = await driver.check()
    except PilothouseError as error:
        context.links[name] = Link(name, False, 0.0, _lost_at(context, name))
        return error
    context.links[name] = Link(name, True, info.latency_ms, context.clock())
    return info


async def abilities(context: Context, name: str) -> Capabilities | None:
    """What the target can do, noted; None where it has no driver, as its check says."""
    if name not in context.able:
        try:
            driver = await context.threads.run(context.workspace.targets.open, name)
        except PilothouseError:
            return None
        context.able[name] = driver.capabilities
    return context.able[name]


async def check_all(context: Context) -> None:
    """Ask every target of the workspace; none waits for another."""
    targets = await context.threads.run(context.workspace.targets.list)
    await asyncio.gather(*(check(context, target.name) for target in targets))


def _lost_at(context: Context, name: str) -> float:
    """When it stopped to answer: at the first look that found it so."""
    before = context.links.get(name)
    return before.at if before is not None and not before.reachable else context.clock()
