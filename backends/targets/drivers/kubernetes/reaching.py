"""Ways to call a service from here: an address of its own, else a tunnel through the API server."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from backends.errors import NotFound, Unauthorized, Unavailable
from backends.targets.drivers.kubernetes import finding, podstate
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.applying import collection
from backends.targets.drivers.kubernetes.objects import HTTP_PORT
from backends.targets.drivers.kubernetes.settings import Expose, Settings
from backends.targets.drivers.kubernetes.tunnel import tunnel
from backends.targets.records import Endpoint


async def address(api: Api, namespace: str, service: str, settings: Settings) -> str | None:
    """The base address that others can call; None when the service has none."""
    if settings.ingress_host:
        scheme = "https" if settings.tls_secret else "http"
        return f"{scheme}://{settings.ingress_host}/api/v1/service/{service}"
    path = f"{collection(namespace, 'Service', 'v1')}/{service}"
    try:
        found = await api.get(f"look at the Service {service}", path)
    except NotFound:
        return None
    if settings.expose is Expose.BALANCER:
        return _balanced(found)
    if settings.expose is Expose.NODE:
        port = next((p.get("nodePort") for p in found["spec"]["ports"]), None)
        host = await _node(api)
        return f"http://{host}:{port}" if port and host else None
    return None


@asynccontextmanager
async def endpoint(
    api: Api, namespace: str, workspace: str, service: str, settings: Settings
) -> AsyncGenerator[Endpoint, None]:
    """The service's own address where it answers, else a tunnel.

    Raises:
        Unavailable: no pod takes requests.
    """

    async def pick() -> tuple[str, str]:
        for pod in await finding.pods(api, namespace, workspace, service):
            if podstate.ready(pod):
                return namespace, str(pod["metadata"]["name"])
        raise Unavailable(
            f"No pod of {service} takes requests.", fix="`pilothouse service show` tells why."
        )

    url = await address(api, namespace, service, settings)
    if url and await _answers(url):
        yield Endpoint(url=url)
        return
    async with tunnel(api, pick) as port:
        yield Endpoint(url=f"http://127.0.0.1:{port}")


def _balanced(found: Mapping[str, Any]) -> str | None:
    given = ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    for one in given:
        host = one.get("hostname") or one.get("ip")
        if host:
            return f"http://{host}:{HTTP_PORT}"
    return None


async def _node(api: Api) -> str | None:
    """The address of a node: outside ones first. For a server on this machine, this machine."""
    server = urlsplit((await api.access()).server).hostname
    if server in {"127.0.0.1", "localhost", "::1"}:
        return "127.0.0.1"
    try:
        nodes, _ = await api.list("look at the nodes", "/api/v1/nodes")
    except Unauthorized:
        return server
    for kind in ("ExternalIP", "InternalIP"):
        for node in nodes:
            for one in node["status"].get("addresses") or ():
                if one["type"] == kind:
                    return str(one["address"])
    return server


async def _answers(url: str) -> bool:
    """Something listens there, as far as can be seen from here."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(2.0):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
