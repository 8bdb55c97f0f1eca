"""The bare ASGI application: routes, keys, limits, a request's way to a worker and back."""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

from backends.scoring import VERSION

from . import health, swagger
from .cors import Cors
from .identity import identify
from .job import Job, Reply
from .keys import KeyFile
from .metrics import Metrics
from .service import Service
from .writing import Headers, Send, write

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check "
    "your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
UNAUTHORIZED = "A valid key is needed: Authorization: Bearer KEY, or X-API-Key: KEY."
DEPRECATED = (
    "x-ms-request-id is deprecated for requests: send x-request-id or x-ms-client-request-id"
)
METHODS = {
    "/score": ("GET", "POST", "OPTIONS", "HEAD"),
    "/": ("GET", "HEAD", "OPTIONS"),
    "/swagger.json": ("GET", "HEAD", "OPTIONS"),
    "/livez": ("GET", "HEAD"),
    "/readyz": ("GET", "HEAD"),
    "/healthz": ("GET", "HEAD"),
    "/metrics": ("GET", "HEAD"),
}
KEYED = frozenset({"/score", "/swagger.json"})


class App:
    """One service's HTTP face; `configure` applies a launch, at start and after each swap."""

    def __init__(self, service: Service, launch_folder: Path) -> None:
        self._service = service
        self._metrics = Metrics()
        self._folder = launch_folder
        self._warned = False
        self.configure()

    def configure(self) -> None:
        """Take limits, keys and variables from the launch that serves."""
        launch = self._service.launch
        self._launch = launch
        path = self._folder / launch.keys_file if launch.keys_file else None
        self._keys = KeyFile(path) if launch.auth else None
        variables = {**os.environ, **launch.variables}
        self._cors = Cors(variables.get("AML_CORS_ORIGINS", ""))
        self._prefix = "/" + variables.get("SERVICE_PATH_PREFIX", "").strip("/")
        self._prefixes = [f"/api/v1/service/{launch.service}"]
        if self._prefix != "/":
            self._prefixes.append(self._prefix)
        self._version = variables.get("SERVICE_VERSION", "1.0")
        shown = variables.get("SERVER_VERSION_LOG_RESPONSE_ENABLED", "true").lower() != "false"
        name = f"pilothouse/{VERSION}".encode()
        self._constant: Headers = [(b"x-ms-server-version", name)] if shown else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        route, method = self._route(scope["path"]), scope["method"]
        identity = identify(headers)
        job: Job | None = None
        reply = self._refusal(route, method, headers, began) or identity.problem
        if reply is None and method == "OPTIONS" and not self._raw_score(route):
            reply = Reply(200, b"", [["content-type", "text/html; charset=utf-8"]])
        elif reply is None and route == "/score":
            found = await self._score(scope, receive, headers, identity.request_id)
            job = found if isinstance(found, Job) else None
            reply = await found.future if isinstance(found, Job) else found
        elif reply is None:
            reply = self._page(route, scope)
        if identity.legacy and not self._warned:
            self._warned = True
            self._service.log.line(DEPRECATED, level="WARNING", rid=identity.request_id)
        size = await write(send, reply, self._extra(method, headers, identity.headers), job)
        if route == "/score":
            self._account(method, reply, size, identity.request_id, perf_counter() - began, job)
        elif reply.rejected:
            self._metrics.rejected[reply.rejected] += 1

    def _refusal(
        self, route: str, method: str, headers: dict[bytes, bytes], now: float
    ) -> Reply | None:
        """Why a request gets no further than here, if it does not."""
        if route not in METHODS:
            return Reply.problem(404, NOT_FOUND)
        if method not in METHODS[route]:
            return Reply.problem(405, NOT_ALLOWED)
        if self._admits(route, method, headers, now):
            return None
        reply = Reply.problem(401, UNAUTHORIZED, rejected="key")
        reply.headers = [*reply.headers, ["www-authenticate", "Bearer"]]
        return reply

    def _extra(self, method: str, headers: dict[bytes, bytes], ids: Headers) -> Headers:
        """Headers that every answer gets."""
        extra = ids + self._constant + self._cors.headers(headers)
        if method == "OPTIONS":
            extra += self._cors.preflight(headers)
        if self._service.draining:
            extra.append((b"connection", b"close"))
        return extra

    def _admits(self, route: str, method: str, headers: dict[bytes, bytes], now: float) -> bool:
        """A key is given where one is needed; a preflight carries none and reaches no script."""
        if self._keys is None or route not in KEYED:
            return True
        if method == "OPTIONS" and not self._raw_score(route):
            return True
        return self._keys.admits(headers, now)

    def _raw_score(self, route: str) -> bool:
        return route == "/score" and self._service.current.mode == "raw"

    def _route(self, path: str) -> str:
        if path in METHODS:
            return path
        for prefix in self._prefixes:
            if path == prefix or path.startswith(prefix + "/"):
                return path[len(prefix) :] or "/"
        return path

    async def _score(
        self, scope: Scope, receive: Receive, headers: dict[bytes, bytes], rid: str
    ) -> Job | Reply:
        """Read the body and hand it to a worker."""
        method = scope["method"]
        service = self._service
        limit = self._launch.body_bytes
        body = await read_body(receive, headers.get(b"content-length"), limit)
        if body is None:
            message = f"The request body is larger than {limit} bytes."
            return Reply.problem(413, message, rejected="body")
        query = scope["query_string"].decode("latin-1")
        meta = [
            rid,
            "GET" if method == "HEAD" else method,
            f"/score?{query}" if query else "/score",
            headers.get(b"content-type", b"").decode("latin-1"),
            headers.get(b"accept", b"").decode("latin-1"),
            self._forwarded(scope["headers"]) if service.current.wants_headers else None,
        ]
        job = Job(meta, body, asyncio.get_running_loop().create_future())
        service.submit(job)
        return job

    @staticmethod
    def _forwarded(headers: Headers) -> list[tuple[str, str]]:
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]

    def _page(self, route: str, scope: Scope) -> Reply:
        if route == "/swagger.json":
            return self._swagger(scope["query_string"])
        if route == "/metrics":
            return self._metrics_page()
        return health.page(route, self._service)

    def _swagger(self, query: bytes) -> Reply:
        pool = self._service.current
        if not pool.was_ready:
            return Reply.problem(503, f"The service is not ready: {self._service.status.reason}.")
        asked = parse_qs(query.decode("latin-1")).get("version", ["2"])[0]
        prefix = self._prefix.rstrip("/")
        return swagger.answer(
            asked, pool.app_root, self._launch.service, self._version, prefix, pool.description
        )

    def _metrics_page(self) -> Reply:
        service = self._service
        gauges = {
            "scoring_inflight": service.dispatcher.running,
            "scoring_queue_depth": len(service.dispatcher.waiting),
            "scoring_workers_ready": service.current.ready,
            "scoring_worker_restarts_total": service.current.restarts,
            "process_start_time_seconds": service.started_at,
        }
        models = (
            (
                str(model.get("name", "")),
                str(model.get("version", "")),
                str(model.get("digest", "")),
            )
            for model in self._launch.models
        )
        text = self._metrics.text(gauges, models)
        return Reply(200, text.encode(), [["content-type", "text/plain; version=0.0.4"]])

    def _account(
        self, method: str, reply: Reply, size: int, rid: str, seconds: float, job: Job | None
    ) -> None:
        metrics = self._metrics
        metrics.requests["/score", reply.status] += 1
        metrics.duration.add(seconds)
        if reply.rejected:
            metrics.rejected[reply.rejected] += 1
        elif job is not None:
            metrics.queue.add(job.queue_ms / 1000)
            if reply.run_ms is not None:
                metrics.run.add(reply.run_ms / 1000)
        self._service.log.access(f"{method} /score", reply.status, size, rid, seconds * 1000)


async def read_body(receive: Receive, length: bytes | None, limit: int) -> bytes | None:
    """The whole body; None when it is larger than `limit`."""
    if length is not None and length.isdigit() and int(length) > limit:
        return None
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= limit else None
    parts = bytearray(body)
    while message.get("more_body"):
        message = await receive()
        parts += message.get("body", b"")
        if len(parts) > limit:
            return None
    return bytes(parts)
