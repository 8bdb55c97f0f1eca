"""Health pages, answered by the supervisor whatever the workers do."""

from . import status as states
from .job import RETRY_AFTER, Reply
from .service import Service

TEXT = [["content-type", "text/plain; charset=utf-8"]]


def page(route: str, service: Service) -> Reply:
    """`/livez`: do not restart me; `/readyz` and `/`: send requests; `/healthz`: I have started."""
    seen = service.status
    good = {
        "/livez": seen.state != states.FAILED,
        "/healthz": service.current.was_ready and seen.state != states.FAILED,
    }.get(route, service.ready)
    if good and route == "/":
        return Reply(200, b"Healthy", TEXT)
    body = seen.to_public_json().encode()
    if good:
        return Reply(200, body)
    return Reply(503, body, [["content-type", "application/json"], RETRY_AFTER])
