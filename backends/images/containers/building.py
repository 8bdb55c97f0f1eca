"""From a plan to the image that a target runs: environment, service, and where it is sent."""

import contextlib
from collections.abc import AsyncGenerator

from backends.engines.engine import Engine
from backends.engines.records import Delivery
from backends.errors import BuildFailed, NotFound
from backends.images.containers.environment_image import build_environment
from backends.images.containers.pushing import push
from backends.images.containers.records import Image, StepFinished, StepStarted
from backends.images.containers.service_image import build_service, environment_below
from backends.images.containers.store import find_image
from backends.images.environment import EnvironmentPlan
from backends.images.venv import BuildLine
from backends.targets.records import ServiceSpec

Item = BuildLine | StepStarted | StepFinished | Image


async def is_there(delivery: Delivery, image: str) -> bool:
    """Whether a target still has an image, or can pull it."""
    if delivery.push_to:
        return True
    async with Engine(delivery.engine) as engine:
        return await find_image(engine, image) is not None


async def environment_image(
    delivery: Delivery, plan: EnvironmentPlan | None, spec: ServiceSpec
) -> AsyncGenerator[Item, None]:
    """The environment's image; ends with it.

    Args:
        delivery: Which engine builds.
        plan: None takes the environment that the service has.
        spec: Its image until now, and its environment's key.

    Raises:
        BuildFailed: a step failed.
        NotFound: there is no plan, and the engine has lost the image.
    """
    async with Engine(delivery.engine) as engine:
        if plan is None:
            below = await environment_below(engine, spec.image or "", spec.environment_key)
            if below is None:
                raise NotFound(
                    f"The engine no longer has the environment of service '{spec.name}'.",
                    fix="Name the inference config again (--ic), so that it is built anew.",
                )
            yield below
            return
        async with contextlib.aclosing(build_environment(engine, plan)) as items:
            async for item in items:
                yield item


async def service_image(
    delivery: Delivery, environment: Image, spec: ServiceSpec, *, tag: str = ""
) -> AsyncGenerator[Item, None]:
    """The revision's image, pushed where the target pulls from; ends with it.

    Args:
        delivery: Which engine builds, and where the image is pushed.
        environment: As `environment_image` gave it.
        spec: With its bundle.
        tag: Its name; empty: made from service and revision.

    Raises:
        BuildFailed: a step failed.
        Unauthorized: the registry refuses the push.
    """
    made: Image | None = None
    async with Engine(delivery.engine) as engine:
        async with contextlib.aclosing(build_service(engine, environment, spec, tag)) as items:
            async for item in items:
                if isinstance(item, Image):
                    made = item
                else:
                    yield item
        if made is None:
            raise BuildFailed("The engine built no image.")
        if not delivery.push_to:
            yield made
            return
        async with contextlib.aclosing(push(engine, made, delivery.push_to)) as items:
            async for item in items:
                yield item


def line_of(item: BuildLine | StepStarted | StepFinished) -> str:
    """An item of a build as one line."""
    if isinstance(item, BuildLine):
        return item.text
    if isinstance(item, StepStarted):
        return f"step {item.number}: {item.title}"
    if item.cached:
        return f"step {item.number}: {item.title}: made before"
    size = f", {item.size / 1e6:.1f} MB" if item.size else ""
    return f"step {item.number}: {item.title}: {item.seconds:.1f} s{size}"
