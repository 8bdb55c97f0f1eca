"""What a pod that does not come up wrote last: evidence beside the reason."""

from msgspec.structs import replace

from backends.errors import PilothouseError
from backends.targets.drivers.kubernetes import names, podstate
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.finding import PODS
from backends.targets.drivers.kubernetes.state import Snapshot
from backends.targets.records import ServiceState, Status
from backends.targets.streams import server_line

_LINES = 50
_TOLD = {ServiceState.FAILED, ServiceState.UNHEALTHY}


async def with_last_lines(api: Api, snapshot: Snapshot, status: Status) -> Status:
    """The status with the log's last lines, where its reason is a container that ended."""
    if status.state not in _TOLD or status.evidence.exit_code is None:
        return status
    newest = names.revision_of(snapshot.deployment)
    for pod in snapshot.pods:
        if names.revision_of(pod) != newest or podstate.ready(pod):
            continue
        namespace, name = str(pod["metadata"]["namespace"]), str(pod["metadata"]["name"])
        lines = await _tail(api, namespace, name, previous=False)
        lines = lines or await _tail(api, namespace, name, previous=True)
        return replace(status, evidence=replace(status.evidence, last_lines=tuple(lines)))
    return status


async def _tail(api: Api, namespace: str, pod: str, *, previous: bool) -> list[str]:
    query: dict[str, str | int] = {"container": names.CONTAINER, "tailLines": _LINES}
    path = f"{PODS.format(namespace)}/{pod}/log"
    asked = {**query, "previous": "true"} if previous else query
    found = b""
    try:
        async for piece in api.stream(f"read the log of {pod}", path, asked, quiet_seconds=10.0):
            found += piece
    except PilothouseError:
        return []
    return [_text(line) for line in found.split(b"\n") if line]


def _text(raw: bytes) -> str:
    line = server_line(raw, "") if raw.startswith(b"{") else None
    return line.text if line is not None else raw.decode("utf-8", errors="replace")
