"""Base images: found on the engine, pulled, or said to be missing in one sentence."""

import contextlib
import os
import re
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from backends.configs.records import ImageRegistry
from backends.engines.engine import Engine
from backends.errors import BuildFailed, NotFound, PilothouseError, Unauthorized, Unavailable
from backends.images.container_plan import ContainerPlan
from backends.images.containers.credentials import auth_header
from backends.images.containers.events import events
from backends.images.containers.store import find_image
from backends.images.environment import EnvironmentPlan
from backends.images.interpreters import OWN, rank
from backends.images.python_pins import FALLBACK
from backends.images.venv import BuildLine

if TYPE_CHECKING:
    import docker

_DENIED = re.compile(r"denied|unauthorized|authentication|no basic auth", re.IGNORECASE)
MICROMAMBA = "mambaorg/micromamba:2"


def reference_of(container: ContainerPlan) -> str:
    """The base image with its registry and tag."""
    image, registry = container.base_image, container.registry.address
    host = registry.removeprefix("https://").removeprefix("http://").strip("/")
    if host and not image.startswith(f"{host}/"):
        image = f"{host}/{image}"
    last = image.rpartition("/")[2]
    return image if ":" in last or "@" in last else f"{image}:latest"


async def base_image(
    engine: Engine, plan: EnvironmentPlan
) -> AsyncGenerator[BuildLine | str, None]:
    """The image that the environment is built on; ends with its reference.

    Raises:
        BuildFailed: it is neither on the engine nor to be pulled; the sentence says what is there.
        Unauthorized: its registry refuses.
    """
    container = plan.container
    if container is not None and container.base_image:
        wanted, fallback = reference_of(container), ""
    elif container is not None and container.needs_conda:
        wanted, fallback = MICROMAMBA, f"python:{plan.python}-slim"
    else:
        wanted, fallback = await _python(engine, plan)
    registry = container.registry if container is not None else ImageRegistry()
    if await find_image(engine, wanted) is not None:
        yield wanted
        return
    try:
        async with contextlib.aclosing(pull(engine, wanted, registry)) as lines:
            async for line in lines:
                yield line
        yield wanted
    except PilothouseError as error:
        instead = await _instead(engine, plan, wanted, fallback, error)
        yield BuildLine(f"{wanted} is not there and cannot be pulled: {instead} ({FALLBACK}).")
        yield instead


def has_pinned_python(plan: EnvironmentPlan, base: str) -> bool:
    """Whether the pin holds on that base; not where another base stands in for the one wanted."""
    container = plan.container
    if container is None or not container.pinned:
        return False
    if container.base_image:
        return base == reference_of(container)
    stands_in = base.startswith("python:") and not base.startswith(f"python:{plan.python}")
    return bool(container.base_dockerfile) or not stands_in


async def python_bases(engine: Engine) -> Mapping[str, str]:
    """Minor version -> `python:X.Y-slim` image of the engine, the newest first."""

    def ask(client: "docker.APIClient") -> list[str]:
        images = client.images(name="python")
        return [tag for image in images for tag in image.get("RepoTags") or ()]

    tags = await engine.call("list its Python images", ask)
    named = (re.fullmatch(r"python:(3\.\d+)(?:\.\d+)?-slim(-\w+)?", tag) for tag in sorted(tags))
    found = {match[1]: match[0] for match in reversed([match for match in named if match])}
    return dict(sorted(found.items(), key=lambda item: rank(item[0]), reverse=True))


async def pull(
    engine: Engine, reference: str, registry: ImageRegistry | None = None
) -> AsyncGenerator[BuildLine, None]:
    """Let the engine pull an image.

    Raises:
        Unauthorized: the registry refuses the credentials, or asks for some.
        NotFound: it has no such image.
        Unavailable: it cannot be reached.
    """
    name, _, tag = reference.partition("@")
    if not tag:
        name, _, tag = reference.rpartition(":")
    query = {"fromImage": name, "tag": tag}
    header = auth_header(reference, registry or ImageRegistry())
    answer = engine.stream(
        f"pull {reference}", "POST", f"/images/create?{urlencode(query)}", headers=header
    )
    seen: set[str] = set()
    try:
        async with contextlib.aclosing(answer):
            async for event in events(answer):
                if problem := event.get("error"):
                    raise _refused(reference, str(problem))
                text = " ".join(str(event[key]) for key in ("id", "status") if event.get(key))
                if text not in seen and "progress" not in event:
                    seen.add(text)
                    yield BuildLine(text)
    except Unavailable as error:  # what a registry refuses may come with any status
        if _DENIED.search(error.what):
            raise _refused(reference, error.what) from error
        raise


def _refused(reference: str, said: str) -> PilothouseError:
    text = f"{reference} could not be pulled: {said.strip().rstrip('.')}."
    if _DENIED.search(said):
        return Unauthorized(
            text, fix="Give the registry's address, user and password, or `docker login` to it."
        )
    return NotFound(text, fix="Correct the image's name, or load it into the engine.")


async def _python(engine: Engine, plan: EnvironmentPlan) -> tuple[str, str]:
    """The image of the pinned Python, else of ours or the newest there; and what else would do."""
    bases = await python_bases(engine)
    pinned = plan.container is not None and plan.container.pinned
    newer = [minor for minor in bases if rank(minor) > rank(plan.python)]
    fallback = bases[newer[-1]] if newer else ""
    if plan.python in bases:
        return bases[plan.python], fallback
    if not pinned and bases:
        return bases.get(OWN) or next(iter(bases.values())), fallback
    return f"python:{plan.python}-slim", fallback


async def _instead(
    engine: Engine, plan: EnvironmentPlan, wanted: str, fallback: str, error: PilothouseError
) -> str:
    """What is taken in the place of an image that is not to be had, when that is allowed."""
    bases = await python_bases(engine)
    allowed = os.environ.get(FALLBACK, "").lower() == "nearest"
    if allowed and not fallback and plan.container is not None and plan.container.base_image:
        fallback = bases.get(plan.python) or next(iter(bases.values()), "")
    if allowed and fallback and await find_image(engine, fallback) is not None:
        return fallback
    if isinstance(error, Unauthorized):
        raise error
    there = ", ".join(bases.values()) or "no Python image"
    raise BuildFailed(
        f"{_purpose(plan, wanted)} is not on the engine, which has {there}, and could not be"
        f" pulled: {error.what}",
        fix=f"Load it (`docker load`, `docker pull {wanted}` where a registry answers), name a"
        f" `baseImage` that is there, or set {FALLBACK}=nearest to take the nearest that is.",
        detail=error.detail,
    ) from error


def _purpose(plan: EnvironmentPlan, wanted: str) -> str:
    container = plan.container
    if container is not None and container.base_image:
        return f"The base image {wanted}"
    if container is not None and container.needs_conda:
        only = ", ".join(container.needs_conda)
        return f"{only} can only be installed by conda, and its base image {wanted}"
    return f"Python {plan.python} is pinned, but its base image {wanted}"
