"""The bare ASGI application: routes, keys, limits, a request's way to a worker and back."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

from backends.scoring import VERSION

from . import health, swagger
from .cors import Cors
from .identity import OWN, identify
from .job import Job, Reply
from .keys import KeyFile
from .metrics import Metrics
from .service import Service

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check "
    "your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
UNAUTHORIZED = "A valid key is needed: Authorization: Bearer KEY, or X-API-Key: KEY."
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
        route = self._route(scope["path"])
        method: str = scope["method"]
        identity = identify(headers)
        job: Job | None = None
        if route not in METHODS:
            reply, route = Reply.problem(404, NOT_FOUND), "other"
        elif method not in METHODS[route]:
            reply = Reply.problem(405, NOT_ALLOWED)
        elif identity.problem is not None:
            reply = identity.problem
        elif (
            route in KEYED
            and self._keys
            and method != "OPTIONS"
            and not self._keys.admits(headers, began)
        ):
            reply = Reply.problem(401, UNAUTHORIZED, rejected="key")
            reply.headers = [*reply.headers, ["www-authenticate", "Bearer"]]
        elif route == "/score":
            found = await self._score(scope, receive, headers, identity.request_id)
            if isinstance(found, Job):
                job, reply = found, await found.future
            else:
                reply = found
        else:
            reply = self._page(route, scope)
        extra = identity.headers + self._constant + self._cors.headers(headers)
        if method == "OPTIONS":
            extra += self._cors.preflight(headers)
        size = await self._send(send, reply, extra, job)
        if route == "/score":
            self._account(method, reply, size, identity.request_id, perf_counter() - began, job)
        elif reply.rejected:
            self._metrics.rejected[reply.rejected] += 1

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
        if method == "OPTIONS" and service.current.mode != "raw":
            return Reply(200, b"", [["content-type", "text/html; charset=utf-8"]])
        limit = self._launch.body_bytes
        body = await read_body(receive, headers.get(b"content-length"), limit)
        if body is None:
            message = f"The request body is larger than {limit} bytes."
            reply = Reply.problem(413, message, rejected="body")
            reply.headers = [*reply.headers, ["connection", "close"]]
            return reply
        query = scope["query_string"]
        target = scope["path"] + "?" + query.decode("latin-1") if query else scope["path"]
        meta = [
            rid,
            "GET" if method == "HEAD" else method,
            target,
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

    async def _send(self, send: Send, reply: Reply, extra: Headers, job: Job | None) -> int:
        """Write the answer; returns the size of its body."""
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in reply.headers
            if name.lower() not in OWN or name == "connection"
        ]
        headers += extra
        headers.append((b"date", _date()))
        if job is not None:
            headers.append((b"x-pilothouse-queue-ms", b"%.3f" % job.queue_ms))
        if reply.run_ms is not None:
            headers.append((b"x-ms-run-fn-exec-ms", b"%.3f" % reply.run_ms))
        if reply.status >= 500 and job is not None and not reply.rejected:
            headers = [pair for pair in headers if pair[0].lower() != b"x-ms-run-function-failed"]
            headers.append((b"x-ms-run-function-failed", b"True"))
        if self._service.draining:
            headers.append((b"connection", b"close"))
        if reply.parts is None:
            headers.append((b"content-length", b"%d" % len(reply.body)))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if reply.parts is None:
            await send({"type": "http.response.body", "body": reply.body})
            return len(reply.body)
        size = 0
        async for part in reply.parts:
            size += len(part)
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if reply.parts.broken:
            raise ConnectionAbortedError("the worker broke off a streamed answer")
        await send({"type": "http.response.body", "body": b""})
        return size

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


class _Now:
    second = 0
    text = b""


def _date() -> bytes:
    """The Date header, made once a second."""
    second = int(time.time())
    if second != _Now.second:
        _Now.second, _Now.text = second, formatdate(second, usegmt=True).encode()
    return _Now.text
