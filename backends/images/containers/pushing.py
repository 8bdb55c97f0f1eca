"""Sending an image to a registry that a target pulls from."""

import contextlib
from collections.abc import AsyncGenerator

from backends.configs.records import ImageRegistry
from backends.engines.engine import Engine
from backends.errors import PilothouseError, Unauthorized, Unavailable
from backends.images.containers.credentials import auth_header
from backends.images.containers.events import events
from backends.images.containers.records import Image
from backends.images.venv import BuildLine


async def push(
    engine: Engine, image: Image, prefix: str, registry: ImageRegistry | None = None
) -> AsyncGenerator[BuildLine | Image, None]:
    """Tag and push; ends with the image under the name to pull it by.

    Args:
        engine: That has it.
        image: With a tag.
        prefix: Registry and path, `registry.example:5000/team`.
        registry: Who we are there; what `docker login` stored when it does not say.

    Raises:
        Unauthorized: the registry refuses the credentials, or asks for some.
        Unavailable: it could not be reached, or broke off.
    """
    reference = f"{prefix.rstrip('/')}/{image.reference}"
    name, _, tag = reference.rpartition(":")
    header = auth_header(reference, registry or ImageRegistry())
    await engine.call("name an image", lambda client: client.tag(image.id, name, tag))
    answer = engine.stream(
        f"push {reference}",
        "POST",
        f"/images/{name}/push?tag={tag}",
        headers={"X-Registry-Auth": "e30="} | header,
        quiet_seconds=600,
    )
    yield BuildLine(f"pushing {reference}")
    async with contextlib.aclosing(answer):
        async for event in events(answer):
            if problem := event.get("error"):
                raise _refused(reference, str(problem))
            if str(event.get("status")) in {"Pushed", "Layer already exists"}:
                yield BuildLine(f"  {event.get('id')}: {str(event['status']).lower()}")
    yield Image(id=image.id, reference=reference, size=image.size, labels=image.labels)


def _refused(reference: str, said: str) -> PilothouseError:
    text = f"{reference} could not be pushed: {said.strip().rstrip('.')}."
    if any(word in said.lower() for word in ("denied", "unauthorized", "authentication")):
        return Unauthorized(text, fix="`docker login` to that registry, as one who may push.")
    return Unavailable(text, fix="Look at the registry's address and network, then try again.")
