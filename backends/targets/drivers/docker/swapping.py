"""Another model or script in containers that run: loaded beside the old, and then in its place.

The revision's files go into the container's volume, and the server is told to bring it up. It
takes over when it is ready, and the next start of the container begins with it.
"""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from backends.engines.engine import Engine
from backends.targets.drivers.docker import files, inside, making
from backends.targets.drivers.docker.finding import Container, identity
from backends.targets.drivers.docker.keyfiles import put_keys
from backends.targets.drivers.docker.launching import launch
from backends.targets.drivers.docker.shape import CONTROL
from backends.targets.records import Keys, ServiceSpec
from backends.targets.specs import spec_to_json

_EXCHANGED = (
    "revision",
    "target",
    "models",
    "bundle",
    "entry_script",
    "source_directory",
    "builtin",
    "model_dir",
    "image",
    "variables",
    "limits",
    "sample",
    "collect_data",
    "tags",
    "properties",
    "description",
)
"""What a server can change while it runs: all but its environment, resources and address."""


def can_swap(before: ServiceSpec, after: ServiceSpec) -> bool:
    """Both run in the same container."""
    if after.bundle is None or not after.bundle.is_dir():
        return False
    same = {name: getattr(after, name) for name in _EXCHANGED}
    return replace(before, **same) == after


async def swap(
    engine: Engine, containers: Sequence[Container], spec: ServiceSpec, keys: Keys | None
) -> None:
    """Have all of them load the revision; they go on with the old one until it is ready.

    Raises:
        PilothouseError: a server or the engine refused.
    """
    await asyncio.gather(*(_swap(engine, container, spec, keys) for container in containers))


async def _swap(engine: Engine, container: Container, spec: ServiceSpec, keys: Keys | None) -> None:
    assert spec.bundle is not None
    target = identity(container)
    image = await making.image_of(engine, replace(spec, image=str(container.get("Image") or "")))
    if keys is not None:
        await put_keys(engine, container, keys)
    await _forget(engine, container, spec.revision)
    place = f"{files.REVISIONS}/{spec.revision}"
    found = launch(spec, image, f"{files.STATE}/{place}/app")
    await files.put_tree(
        engine,
        target,
        spec.bundle,
        f"{place}/app",
        files.File(name=f"{place}/launch.json", mode=0o400, data=found),
        spec_file(spec),
    )
    request: dict[str, object] = {"op": "swap", "launch": f"{files.STATE}/{place}/launch.json"}
    await inside.command(engine, target, request, f"bring up revision {spec.revision}")


def spec_file(spec: ServiceSpec) -> files.File:
    """The spec beside what runs, since a container's labels cannot be changed."""
    return files.File(name=files.SPEC_FILE, mode=0o600, data=spec_to_json(spec).encode())


async def _forget(engine: Engine, container: Container, coming: int) -> None:
    """Remove revisions' files but those that serve now."""
    target = identity(container)
    state = await files.get_json(engine, target, files.STATE_FILE) or {}
    serving = state.get("serving")
    kept = [str(serving), str(coming)]
    command = [CONTROL, "keep", files.REVISIONS, *kept]
    await inside.run(engine, target, command, "remove old revisions' files")
