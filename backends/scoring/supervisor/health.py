"""Health pages, answered by the supervisor whatever the workers do."""

from typing import TYPE_CHECKING

from . import status as states
from .job import RETRY_AFTER, Reply
from .service import Service

if TYPE_CHECKING:
    from .connection import Application
    from .request import Request

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


ROUTES = frozenset({"/", "/livez", "/readyz", "/healthz", "/metrics"})
BODY_BYTES = 64 * 1024


class HealthFace:
    """What a second port answers: health pages and metrics of the same service, nothing else."""

    body_bytes = BODY_BYTES

    def __init__(self, app: "Application") -> None:
        self._app = app
        self.start, self.lines = app.start, app.lines
        self.finished, self.left = app.finished, app.left

    @property
    def draining(self) -> bool:
        """Every answer is its connection's last."""
        return self._app.draining

    def refuse(self, request: "Request") -> Reply | None:
        """Why a request gets no further."""
        if request.path in ROUTES:
            return self._app.refuse(request)
        return Reply.problem(404, "This port answers health pages alone.")
