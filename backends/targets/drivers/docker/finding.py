"""Containers of ours on an engine, found by their labels alone."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from backends.engines.engine import Engine
from backends.targets.drivers.docker import labels

if TYPE_CHECKING:
    import docker

Container = Mapping[str, Any]
"""`GET /containers/{id}/json`."""


async def containers(engine: Engine, workspace: str, service: str = "") -> tuple[Container, ...]:
    """All of a service, or of the workspace, running or not.

    Raises:
        PilothouseError: the engine could not be asked.
    """

    def ask(client: "docker.APIClient") -> tuple[Container, ...]:
        import docker.errors

        found: list[Container] = []
        for row in client.containers(all=True, filters=labels.filters(workspace, service)):
            try:
                found.append(client.inspect_container(row["Id"]))
            except docker.errors.NotFound:
                continue  # removed since the list was made
        return tuple(found)

    return await engine.call("list containers", ask)


def by_service(found: Iterable[Container]) -> dict[str, list[Container]]:
    """Containers of the scoring server, of each service."""
    grouped: dict[str, list[Container]] = {}
    for container in found:
        words = labels.labels_of(container)
        if words.get(labels.ROLE, labels.SERVER) == labels.SERVER:
            grouped.setdefault(words.get(labels.SERVICE, ""), []).append(container)
    return grouped


def newest(found: Iterable[Container]) -> Container | None:
    """The container of the newest revision; the later made one of two."""
    return max(found, key=_age, default=None)


def identity(container: Container) -> str:
    """The container's id."""
    return str(container.get("Id") or "")


def volumes_of(container: Container) -> tuple[str, ...]:
    """Names of the volumes that are mounted in it."""
    mounts = container.get("Mounts") or ()
    return tuple(str(m.get("Name")) for m in mounts if m.get("Type") == "volume" and m.get("Name"))


def _age(container: Container) -> tuple[int, str]:
    revision = labels.labels_of(container).get(labels.REVISION, "")
    return int(revision) if revision.isdecimal() else 0, str(container.get("Created") or "")
