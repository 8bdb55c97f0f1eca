"""Our images on an engine: found, listed, removed, saved and loaded; never anybody else's."""

import contextlib
import time
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlencode

from backends.engines.engine import Engine
from backends.errors import InvalidInput, NotFound, Refused
from backends.images.containers import names
from backends.images.containers.events import events
from backends.images.containers.records import Image

if TYPE_CHECKING:
    import docker

_CONFLICT = 409
_PRUNED = (names.SERVICE, names.ENVIRONMENT, names.STEP, names.PACKAGES, names.SERVER)
"""Kinds that pruning removes, those that stand on others first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """One of our images, or a volume that builds keep."""

    id: str
    reference: str
    """Its tag; the short id where it has none; a volume's name."""
    kind: str
    """server, packages, environment, service, step or volume."""
    size: int
    """Bytes, with the layers that it shares; -1 when the engine does not tell."""
    created: float
    """Seconds since the epoch."""
    used_by: tuple[str, ...] = ()
    """Containers that were made from it, running or not."""
    title: str = ""
    workspace: str = ""
    """Of a service's image."""


async def find_image(engine: Engine, reference: str) -> Image | None:
    """The image of that name or id on the engine, if it is there."""
    import docker.errors

    def ask(client: Any) -> Image | None:
        try:
            found: dict[str, Any] = client.inspect_image(reference)
        except docker.errors.ImageNotFound:
            return None
        return Image(
            id=found["Id"],
            reference=reference,
            size=int(found.get("Size") or 0),
            labels=(found.get("Config") or {}).get("Labels") or {},
            cached=True,
        )

    return await engine.call(f"look for the image {reference}", ask)


async def find_layer(engine: Engine, key: str) -> str | None:
    """Id of the image whose last layer was made of what `key` stands for."""

    def ask(client: "docker.APIClient") -> str | None:
        found = client.images(all=True, filters={"label": f"{names.LAYER}={key}"})
        own = sorted(found, key=lambda image: int(image["Created"]))
        return str(own[0]["Id"]) if own else None

    return await engine.call("look for a layer", ask)


async def find_environment(engine: Engine, key: str) -> Image | None:
    """The newest image of an environment, whichever server is in it."""
    only = [f"{names.ENVIRONMENT_KEY}={key}", f"{names.IMAGE}={names.ENVIRONMENT}"]
    found = await engine.call(
        "look for an environment", lambda client: client.images(filters={"label": only})
    )
    newest = sorted(found, key=lambda image: int(image["Created"]))[-1:]
    return await find_image(engine, newest[0]["Id"]) if newest else None


async def stored_images(engine: Engine) -> tuple[StoredImage, ...]:
    """All images of ours, the newest first, then the volume of packages that builds keep."""

    def ask(client: "docker.APIClient") -> tuple[StoredImage, ...]:
        images = client.images(filters={"label": names.IMAGE})
        used: dict[str, list[str]] = {}
        for container in client.containers(all=True):
            used.setdefault(container["ImageID"], []).append(container["Names"][0].lstrip("/"))
        found = [_stored(image, used.get(image["Id"], ())) for image in images]
        found.sort(key=lambda image: image.created, reverse=True)
        return (*found, *_volumes(client))

    return await engine.call("list the images of Pilothouse", ask, seconds=120)


async def prune_images(
    engine: Engine, keep: Collection[str], workspace: str = "", *, dry: bool = False
) -> tuple[StoredImage, ...]:
    """Remove what nothing needs, and what builds that were cut off left behind.

    Not removed: what a container was made from, what `keep` names, what either stands on, what
    was packaged, and the newest server image.

    Args:
        engine: Where.
        keep: References of images that are wanted still, for a rollback.
        workspace: Whose services' images are looked at; empty: everybody's.
        dry: Remove nothing.

    Returns:
        What was removed (with `dry`, what nothing uses by name), service images first.
    """
    images = await stored_images(engine)
    newest = next((image.id for image in images if image.kind == names.SERVER), "")
    found = [
        image
        for image in images
        if image.kind in _PRUNED
        and not image.used_by
        and image.reference not in keep
        and image.id != newest
        and not (image.kind == names.SERVICE and workspace not in {"", image.workspace})
    ]
    found.sort(key=lambda image: _PRUNED.index(image.kind))

    def remove(client: Any) -> tuple[StoredImage, ...]:
        below = _stood_on(client, {image.id for image in found})
        free = [image for image in found if image.id not in below]
        return tuple(image for image in free if dry or _removed(client, image.reference))

    removed = await engine.call("remove images", remove, seconds=600)
    if not dry:
        await sweep(engine)
    return removed


async def remove_image(engine: Engine, reference: str) -> None:
    """Remove one image of ours.

    Raises:
        NotFound: there is none of that name.
        Refused: it is not ours, or something needs it.
    """
    found = await find_image(engine, reference)
    if found is None:
        raise NotFound(
            f"There is no image {reference} on the engine.",
            fix="`pilothouse image list` names those of Pilothouse.",
        )
    if names.IMAGE not in found.labels:
        raise Refused(
            f"{reference} was not made by Pilothouse.", fix=f"`docker rmi {reference}` removes it."
        )

    def remove(client: Any) -> bool:
        alone = found.id not in _stood_on(client, {found.id})
        return alone and _removed(client, reference)

    if not await engine.call("remove an image", remove):
        raise Refused(
            f"{reference} is needed by a container or by an image that stands on it.",
            fix="`pilothouse image list` tells by what; delete that service first.",
        )


def _stood_on(client: Any, going: Collection[str]) -> set[str]:
    """Ids of all images that one which stays stands on; the engine would only take their names."""
    parents = {image["Id"]: image["ParentId"] for image in client.images(all=True)}
    below: set[str] = set()
    staying = [image["Id"] for image in client.images() if image["Id"] not in going]
    for image in staying:
        while (image := parents.get(image, "")) and image not in below:
            below.add(image)
    return below


def _removed(client: Any, reference: str) -> bool:
    """Whether it is gone; False where the engine says that something needs it."""
    import docker.errors

    try:
        client.remove_image(reference)
    except docker.errors.NotFound:
        return True
    except docker.errors.APIError as error:
        if error.status_code == _CONFLICT:
            return False
        raise
    return True


async def sweep(engine: Engine, *, older: float = 3600.0) -> int:
    """Remove what builds left behind that were cut off, `older` seconds ago; how many."""
    import docker.errors

    def old(stamp: float) -> bool:
        return time.time() - stamp > older

    def remove(client: Any) -> int:
        only = {"label": f"{names.BUILDING}=yes"}
        found = client.containers(all=True, filters=only)
        left = [item["Id"] for item in found if old(item["Created"])]
        for container in left:
            client.remove_container(container, force=True, v=True)
        volumes = [
            volume["Name"]
            for volume in client.volumes(filters=only)["Volumes"] or ()
            if old(datetime.fromisoformat(volume["CreatedAt"]).timestamp())
        ]
        for volume in volumes:
            with contextlib.suppress(docker.errors.APIError):  # in use
                client.remove_volume(volume, force=True)
        return len(left) + len(volumes)

    return await engine.call("clear away after builds", remove, seconds=300)


async def save_image(engine: Engine, references: Sequence[str]) -> AsyncGenerator[bytes, None]:
    """A tar that `load_image` and `docker load` take, in pieces.

    Raises:
        NotFound: one of the images is not on the engine.
    """
    for reference in references:
        if await find_image(engine, reference) is None:
            raise NotFound(
                f"There is no image {reference} on the engine.",
                fix="`pilothouse image list` names those of Pilothouse.",
            )
    query = urlencode([("names", reference) for reference in references])
    pieces = engine.stream("save images", "GET", f"/images/get?{query}", quiet_seconds=600)
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            yield piece


async def load_image(engine: Engine, file: IO[bytes]) -> AsyncGenerator[str, None]:
    """Load a saved tar; gives what the engine says of each image.

    Raises:
        InvalidInput: it is not such a tar.
    """
    answer = engine.stream(
        "load images",
        "POST",
        "/images/load?quiet=1",
        data=iter(lambda: file.read(1 << 18), b""),
        headers={"Content-Type": "application/x-tar"},
        quiet_seconds=600,
    )
    async with contextlib.aclosing(answer):
        async for event in events(answer):
            if problem := event.get("error"):
                raise InvalidInput(
                    f"The engine does not load it: {str(problem).strip().rstrip('.')}.",
                    fix="Give a tar that `pilothouse image save` or `docker save` wrote.",
                )
            if text := str(event.get("stream") or "").strip():
                yield text


def _stored(image: Mapping[str, Any], used: Sequence[str]) -> StoredImage:
    tags = [tag for tag in image.get("RepoTags") or () if tag != "<none>:<none>"]
    labels = image.get("Labels") or {}
    return StoredImage(
        id=image["Id"],
        reference=tags[0] if tags else image["Id"].removeprefix("sha256:")[:12],
        kind=labels.get(names.IMAGE, ""),
        size=int(image.get("Size") or 0),
        created=float(image["Created"]),
        used_by=tuple(used),
        title=labels.get("org.opencontainers.image.title", ""),
        workspace=labels.get(names.WORKSPACE, ""),
    )


def _volumes(client: "docker.APIClient") -> list[StoredImage]:
    only = {"label": names.VOLUME}
    found = client.volumes(filters=only)["Volumes"] or []
    return [
        StoredImage(
            id=volume["Name"],
            reference=volume["Name"],
            kind="volume",
            size=int((volume.get("UsageData") or {}).get("Size", -1)),
            created=0.0,
            title="packages that builds fetched",
        )
        for volume in found
    ]
