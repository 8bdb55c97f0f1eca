"""Where a service is in the cluster, and all that belongs to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from backends.errors import NotFound, Unauthorized
from backends.targets.drivers.kubernetes import names
from backends.targets.drivers.kubernetes.api import Api, Object

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
PODS = "/api/v1/namespaces/{}/pods"
EVENTS = "/api/v1/namespaces/{}/events"


async def deployments(
    api: Api, namespace: str, workspace: str, service: str = ""
) -> Sequence[Object]:
    """Deployments of ours: in every namespace where that may be asked, else in this one."""
    query = {"labelSelector": names.selector(workspace, service)}
    what = "list services"
    try:
        found, _ = await api.list(what, "/apis/apps/v1/deployments", **query)
    except Unauthorized:
        found, _ = await api.list(what, DEPLOYMENTS.format(namespace), **query)
    return found


async def deployment(api: Api, namespace: str, workspace: str, service: str, target: str) -> Object:
    """The Deployment of a service.

    Raises:
        NotFound: there is none.
    """
    for found in await deployments(api, namespace, workspace, service):
        return found
    raise missing(service, target)


async def pods(api: Api, namespace: str, workspace: str, service: str) -> Sequence[Object]:
    """The pods of a service, those on their way out too."""
    query = {"labelSelector": names.selector(workspace, service)}
    found, _ = await api.list("list pods", PODS.format(namespace), **query)
    return found


async def events_of(api: Api, namespace: str, service: str) -> Mapping[str, Sequence[Object]]:
    """Events about a service's pods by the pods' uids, oldest first; none where we may not ask."""
    query = {"fieldSelector": "involvedObject.kind=Pod"}
    try:
        found, _ = await api.list("list events", EVENTS.format(namespace), **query)
    except Unauthorized:
        return {}
    return by_pod(found, service)


def by_pod(events: Sequence[Mapping[str, Any]], service: str) -> dict[str, list[Object]]:
    """Events about a service's pods by the pods' uids, oldest first."""
    grouped: dict[str, list[Object]] = {}
    for event in sorted(events, key=_moment):
        about = event.get("involvedObject") or {}
        if str(about.get("name") or "").startswith(f"{service}-"):
            grouped.setdefault(str(about.get("uid") or ""), []).append(dict(event))
    return grouped


def namespace_of(found: Mapping[str, Any]) -> str:
    """Of an object."""
    return str(found["metadata"]["namespace"])


def missing(service: str, target: str) -> NotFound:
    """There is no such service."""
    return NotFound(
        f"There is no service '{service}' on {target}.",
        fix="`pilothouse service list` shows those that are there.",
    )


def _moment(event: Mapping[str, Any]) -> str:
    return str(
        event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )
