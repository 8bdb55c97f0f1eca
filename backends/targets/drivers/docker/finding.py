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
    """Containers of each service."""
    grouped: dict[str, list[Container]] = {}
    for container in found:
        service = labels.labels_of(container).get(labels.SERVICE, "")
        grouped.setdefault(service, []).append(container)
    return grouped


def servers(found: Iterable[Container]) -> list[Container]:
    """Those that run the scoring server."""
    return [container for container in found if is_server(container)]


def is_server(container: Container) -> bool:
    """It runs the scoring server."""
    return labels.labels_of(container).get(labels.ROLE, labels.SERVER) == labels.SERVER


def router_of(found: Iterable[Container]) -> Container | None:
    """The container that owns the service's port."""
    routers = (c for c in found if labels.labels_of(c).get(labels.ROLE) == labels.ROUTER)
    return next(routers, None)


def name_of(container: Container) -> str:
    """The container's name, by which others of its network find it."""
    return str(container.get("Name") or "").lstrip("/")


def revision_of(container: Container) -> int:
    """The revision that the container was made for."""
    text = labels.labels_of(container).get(labels.REVISION, "")
    return int(text) if text.isdecimal() else 0


def replica_of(container: Container) -> int:
    """Which of its revision's replicas it is, counted from 1."""
    text = labels.labels_of(container).get(labels.REPLICA, "")
    return int(text) if text.isdecimal() else 1


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
    return revision_of(container), str(container.get("Created") or "")
