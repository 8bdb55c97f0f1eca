"""Images of ours on the engine of a target, and which services need each."""

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from backends.engines.engine import Engine
    from backends.images.containers.history import ImageLayer
    from backends.images.containers.store import StoredImage
    from backends.services.services import Services
    from backends.services.targets import Targets


class ImageUse(Struct, frozen=True, kw_only=True):
    """One image of ours and who needs it."""

    image: "StoredImage"
    revisions: tuple[str, ...] = ()
    """Services' revisions that run it or could be rolled back to: `digits r3`."""
    unneeded: bool = False
    """Pruning removes it."""


class TargetImages:
    """The images of one target; every verb asks its engine."""

    def __init__(
        self, target: str, *, targets: "Targets", services: "Services", workspace: str
    ) -> None:
        self._target = target
        self._targets = targets
        self._services = services
        self._workspace = workspace

    async def list(self) -> tuple[ImageUse, ...]:
        """All of ours, the newest first.

        Raises:
            PilothouseError: the engine could not be asked.
        """
        from backends.images.containers.store import prune_images, stored_images

        wanted = await self._wanted()
        async with self._engine() as engine:
            images = await stored_images(engine)
            gone = await prune_images(engine, wanted, self._workspace, dry=True)
        unneeded = {image.id for image in gone}
        return tuple(
            ImageUse(
                image=image,
                revisions=wanted.get(image.reference, ()),
                unneeded=image.id in unneeded,
            )
            for image in images
        )

    async def layers(self, reference: str) -> "tuple[ImageLayer, ...]":
        """What an image is made of, the newest layer first.

        Raises:
            NotFound: there is no such image.
        """
        from backends.images.containers.history import image_layers

        async with self._engine() as engine:
            return await image_layers(engine, reference)

    async def environment_size(self, key: str) -> int | None:
        """Bytes of an environment's image; None when it is still to be built.

        Raises:
            PilothouseError: the engine could not be asked.
        """
        from backends.images.containers.names import ENVIRONMENT
        from backends.images.containers.store import stored_images

        begins = f"pilothouse/env:{key[:24]}-"
        async with self._engine() as engine:
            images = await stored_images(engine)
        return next(
            (
                image.size
                for image in images
                if image.kind == ENVIRONMENT and image.reference.startswith(begins)
            ),
            None,
        )

    async def prune(self) -> "tuple[StoredImage, ...]":
        """Remove what neither a container nor a revision needs; what was removed."""
        from backends.images.containers.store import prune_images

        wanted = await self._wanted()
        async with self._engine() as engine:
            return await prune_images(engine, wanted, self._workspace)

    @asynccontextmanager
    async def _engine(self) -> "AsyncGenerator[Engine, None]":
        from backends.engines.engine import Engine

        delivery = await self._targets.open(self._target).delivery()
        async with Engine(delivery.engine) as engine:
            yield engine

    async def _wanted(self) -> dict[str, tuple[str, ...]]:
        """Image -> the revisions that need it."""
        import asyncio

        return await asyncio.to_thread(self._read_wanted)

    def _read_wanted(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for service in self._services.list():
            for revision in self._services.revisions(service.name):
                if image := revision.spec.image:
                    found[image] = (*found.get(image, ()), f"{service.name} r{revision.number}")
        return found
