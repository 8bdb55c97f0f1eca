"""Makes and removes what a service consists of on an engine: network, volumes, containers."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.engines.engine import Engine
from backends.errors import Conflict, InvalidInput, NotFound
from backends.targets.drivers.docker import files, labels
from backends.targets.drivers.docker.finding import Container, identity, volumes_of
from backends.targets.drivers.docker.launching import launch_files
from backends.targets.drivers.docker.shape import create_body
from backends.targets.records import Keys, ServiceSpec

if TYPE_CHECKING:
    import docker

_STOP_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A container and its volume, not started."""

    id: str
    name: str
    volume: str


async def image_of(engine: Engine, spec: ServiceSpec) -> Mapping[str, Any]:
    """The image that a spec names, as `GET /images/{name}/json` tells it.

    Raises:
        InvalidInput: it names none.
        NotFound: the engine does not have it.
    """
    image = spec.image
    if not image:
        raise InvalidInput(
            f"Revision {spec.revision} of {spec.name} has no image to run.",
            fix="Deploy it again, which builds one.",
        )

    def ask(client: Any) -> dict[str, Any]:
        return dict(client.inspect_image(image))

    return await engine.call(f"find the image {image}", ask)


async def make_network(engine: Engine, spec: ServiceSpec) -> None:
    """The service's own network; there already is as good."""
    name = labels.group_name(spec.workspace, spec.name)
    words = labels.service_labels(spec.workspace, spec.name)

    def ask(client: "docker.APIClient") -> None:
        known = client.networks(filters=labels.filters(spec.workspace, spec.name))
        if not any(network.get("Name") == name for network in known):
            client.create_network(name, driver="bridge", labels=words, check_duplicate=True)

    with contextlib.suppress(Conflict):
        await engine.call(f"make the network {name}", ask)


async def make_container(
    engine: Engine,
    spec: ServiceSpec,
    image: Mapping[str, Any],
    keys: Keys | None,
    *,
    replica: int = 1,
) -> Made:
    """A container of the scoring server with all its files, not started.

    Raises:
        PilothouseError: the engine refused it, and nothing of it is left.
    """
    name = labels.container_name(spec, replica=replica)
    volume = new_volume(name)
    body = create_body(spec, image, volume=volume, replica=replica)
    return await make(engine, spec, name, body, volume, launch_files(spec, image, keys))


def new_volume(name: str) -> str:
    """A name for the volume of a container."""
    return f"{name}.{os.urandom(4).hex()}"


async def make(
    engine: Engine,
    spec: ServiceSpec,
    name: str,
    body: Mapping[str, Any],
    volume: str,
    inside: Sequence[files.File],
) -> Made:
    """A container of a service with a volume and the files in it, not started.

    Raises:
        PilothouseError: the engine refused it, and nothing of it is left.
    """

    def ask(client: Any) -> str:
        client.create_volume(volume, labels=labels.service_labels(spec.workspace, spec.name))
        try:
            made = client.create_container_from_config(body, name)
        except BaseException:
            client.remove_volume(volume, force=True)
            raise
        return str(made["Id"])

    container = await engine.call(f"create the container {name}", ask)
    try:
        await files.put(engine, container, *inside)
    except BaseException:
        await remove(engine, container, (volume,))
        raise
    return Made(id=container, name=name, volume=volume)


async def start(engine: Engine, container: str, what: str) -> None:
    """Start a container.

    Raises:
        PilothouseError: the engine did not.
    """
    await engine.call(f"start {what}", lambda client: client.start(container))


async def stop(engine: Engine, container: str, seconds: float) -> None:
    """Have its server finish what is in flight; after `seconds` it is killed."""
    whole = max(1, round(seconds))
    with contextlib.suppress(NotFound):
        await engine.call(
            f"stop the container {container[:12]}",
            lambda client: client.stop(container, timeout=whole),
            seconds=_STOP_SECONDS + whole,
        )


async def rename(engine: Engine, container: str, name: str) -> None:
    """Give a container another name."""
    await engine.call(
        f"rename a container to {name}", lambda client: client.rename(container, name)
    )


async def set_restart_policy(engine: Engine, container: str, policy: str) -> None:
    """`no`, which says that it is stopped on request, or `KEPT_RUNNING`."""

    def ask(client: Any) -> None:
        client.update_container(container, restart_policy={"Name": policy})

    await engine.call(f"change the container {container[:12]}", ask)


async def remove(engine: Engine, container: str, volumes: Sequence[str] = ()) -> None:
    """Remove a container, running or not, with its volumes; gone is as good."""

    def ask(client: "docker.APIClient") -> None:
        with contextlib.suppress(_gone()):
            client.remove_container(container, v=True, force=True)
        for volume in volumes:
            with contextlib.suppress(_gone()):
                client.remove_volume(volume, force=True)

    await engine.call(f"remove the container {container[:12]}", ask, seconds=_STOP_SECONDS)


async def remove_all(
    engine: Engine, workspace: str, service: str, found: Sequence[Container]
) -> None:
    """Remove all that a service consists of, by its labels."""
    for container in found:
        await remove(engine, identity(container), volumes_of(container))

    def ask(client: "docker.APIClient") -> None:
        wanted = labels.filters(workspace, service)
        for volume in client.volumes(filters=wanted).get("Volumes") or ():
            with contextlib.suppress(_gone()):
                client.remove_volume(volume["Name"], force=True)
        for network in client.networks(filters=wanted):
            with contextlib.suppress(_gone()):
                client.remove_network(network["Id"])

    await engine.call(f"remove what belongs to {service}", ask)


def _gone() -> type[Exception]:
    import docker.errors

    return docker.errors.NotFound
