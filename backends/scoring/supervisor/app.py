"""The application: routes, keys, limits, a request's way to a worker and back."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from urllib.parse import parse_qs

from backends.scoring import VERSION

from . import compatible, health, open_inference, openapi, swagger, trace
from .cors import Cors
from .job import Job, Reply
from .keys import KeyFile
from .metrics import Metrics
from .request import Request
from .service import Service
from .usage import usage

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
    "/openapi.json": ("GET", "HEAD", "OPTIONS"),
}
PREDICT = re.compile(r"/v1/models/[^/]+?(/versions/\d+)?:predict")
"""Where TensorFlow Serving takes what our TensorFlow handler takes at `/score`."""
LEFT = 499
"""In the log and the metrics, where the client went away before its answer; nginx's."""
INFER = "/v2/infer"
"""In the log and the metrics, for every path of that verb."""
DOCUMENTS = ("/swagger.json", "/openapi.json")
KEYED = frozenset({"/score", *DOCUMENTS})


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
        self._keys = KeyFile(path, self._warn) if launch.auth else None
        variables = {**os.environ, **launch.variables}
        self._cors = Cors(variables.get("AML_CORS_ORIGINS", ""))
        self._about = swagger.About(
            title=launch.variables.get("SERVICE_NAME", launch.service),
            version=variables.get("SERVICE_VERSION", "1.0"),
            prefix=("/" + variables.get("SERVICE_PATH_PREFIX", "").strip("/")).rstrip("/"),
        )
        self._prefixes = [f"/api/v1/service/{launch.service}"]
        if self._about.prefix:
            self._prefixes.append(self._about.prefix)
        shown = variables.get("SERVER_VERSION_LOG_RESPONSE_ENABLED", "true").lower() == "true"
        line = f"x-ms-server-version: pilothouse/{VERSION}\r\n".encode()
        self._constant = line if shown else b""
        self.body_bytes = launch.body_bytes
        self._predicts = launch.builtin == "tensorflow"
        self._methods = METHODS
        self._wraps = [self._cors.answering] if self._cors.wanted else []
        if launch.compatible:
            self._methods = {**METHODS, "/score": compatible.SCORE_METHODS}
            self._wraps.append(compatible.answering)

    def _warn(self, text: str) -> None:
        self._service.log.line(text, level="WARNING")

    @property
    def draining(self) -> bool:
        """Every answer is its connection's last."""
        return self._service.draining

    def refuse(self, request: Request) -> Reply | None:
        """Why a request gets no further, judged by its head."""
        route = request.route = self._route(request.path)
        identity = request.identity
        if identity.legacy and not self._warned:
            self._warned = True
            self._service.log.line(DEPRECATED, level="WARNING", rid=identity.request_id)
        methods = self._methods.get(route)
        if methods is None:
            return self._refuse_other(route, request)
        if request.method not in methods:
            return Reply.problem(405, NOT_ALLOWED).with_header("allow", ", ".join(methods))
        return identity.problem if self._admits(route, request) else self._locked()

    def _refuse_other(self, route: str, request: Request) -> Reply | None:
        """The same for paths that are no fixed ones."""
        if not open_inference.owns(route):
            return Reply.problem(404, NOT_FOUND)
        if not self._admits(route, request):
            return open_inference.worded(self._locked())
        found = open_inference.refusal(route, request.method, request.headers, self._launch)
        reply = found or request.identity.problem
        return reply and open_inference.worded(reply)

    @staticmethod
    def _locked() -> Reply:
        reply = Reply.problem(401, UNAUTHORIZED, rejected="key")
        return reply.with_header("www-authenticate", "Bearer")

    def start(self, request: Request, answer: Callable[[Reply], None]) -> None:
        """Answer a whole request, now or later."""
        route = request.route
        if request.method == "OPTIONS" and not self._raw_score(route):
            reply = Reply(200, b"", [["content-type", "text/html; charset=utf-8"]])
            answer(reply.with_header("allow", ", ".join(self._methods.get(route, ("POST",)))))
        elif route == "/score":
            self._score(request, answer)
        elif open_inference.infers(route):
            self._infer(request, answer)
        else:
            answer(self._page(route, request))

    def lines(self, request: Request) -> bytes:
        """Header lines that every answer gets."""
        found = request.identity.lines + self._constant
        if self._cors.wanted:
            found += self._cors.lines(request.headers, preflight=request.method == "OPTIONS")
        return found

    def left(self, request: Request) -> None:
        """The client went away: what waits for a worker does not reach one."""
        if request.job is not None:
            self._service.dispatcher.cancel(request.job)
        self.finished(request, Reply(LEFT, b"", rejected="client-left"), 0)

    def _admits(self, route: str, request: Request) -> bool:
        """A key is given where one is needed; a preflight carries none and reaches no script."""
        if self._keys is None or (route not in KEYED and not open_inference.keyed(route)):
            return True
        if request.method == "OPTIONS" and not self._raw_score(route):
            return True
        return self._keys.admits(request.headers, request.began)

    def _raw_score(self, route: str) -> bool:
        return route == "/score" and self._service.current.mode == "raw"

    def _route(self, path: str) -> str:
        if path in METHODS:
            return path
        for prefix in self._prefixes:
            if path == prefix or path.startswith(prefix + "/"):
                path = path[len(prefix) :] or "/"
                break
        return "/score" if self._predicts and PREDICT.fullmatch(path) else path

    def _score(self, request: Request, answer: Callable[[Reply], None]) -> None:
        """Hand the body to a worker."""
        headers, query = request.headers, request.query
        meta = (
            request.identity.request_id,
            "GET" if request.method == "HEAD" else request.method,
            f"/score?{query}" if query else "/score",
            headers.get(b"content-type", b"").decode("latin-1"),
            headers.get(b"accept", b"").decode("latin-1"),
        )
        for wrap in self._wraps:
            answer = wrap(answer)
        self._submit(request, meta, answer)

    def _infer(self, request: Request, answer: Callable[[Reply], None]) -> None:
        """Hand an inference request to a worker; errors get the protocol's form."""
        target = open_inference.target(request.headers, self._launch)
        kind = request.headers.get(b"content-type", b"").decode("latin-1")
        meta = (request.identity.request_id, "POST", target, kind, "")
        self._submit(request, meta, lambda reply: answer(open_inference.worded(reply)))

    def _submit(
        self,
        request: Request,
        meta: tuple[str, str, str, str, str],
        answer: Callable[[Reply], None],
    ) -> None:
        job = request.job = Job(meta, request.pairs, request.body, answer)
        if trace.PARENT in request.headers:
            self._follow(request, job)
        self._service.submit(job)

    def _follow(self, request: Request, job: Job) -> None:
        """Hand on the caller's trace context, name it in the request's log lines, repeat it."""
        job.trace = trace.read(request.pairs)
        if job.trace is not None:
            identity = request.identity
            identity.lines += b"traceparent: %b\r\n" % job.trace.parent
            self._service.log.traces.add(identity.request_id, job.trace)

    def _page(self, route: str, request: Request) -> Reply:
        if route in DOCUMENTS:
            return self._document(route, request.query)
        if route == "/metrics":
            return self._metrics_page()
        if open_inference.owns(route):
            return open_inference.page(route, self._service)
        return health.page(route, self._service)

    def _document(self, route: str, query: str) -> Reply:
        """The service described; known when its script is."""
        pool, about = self._service.current, self._about
        if not pool.was_ready:
            return Reply.problem(503, f"The service is not ready: {self._service.status.reason}.")
        if route == "/openapi.json":
            keyed = self._keys is not None
            return openapi.answer(pool.app_root, about, pool.description, keyed=keyed)
        asked = parse_qs(query, keep_blank_values=True).get("version", ["2"])[0]
        return swagger.answer(asked, pool.app_root, about, pool.description)

    def _metrics_page(self) -> Reply:
        service = self._service
        gauges = {
            "scoring_inflight": service.dispatcher.running,
            "scoring_queue_depth": service.dispatcher.depth,
            "scoring_workers_ready": service.current.ready,
            "scoring_worker_restarts_total": service.current.restarts,
            "scoring_init_seconds": service.current.init_seconds,
            "process_start_time_seconds": service.started_at,
            **usage(service.status.workers),
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
        if service.collector is not None:
            text += service.collector.samples()
        return Reply(200, text.encode(), [["content-type", "text/plain; version=0.0.4"]])

    def finished(self, request: Request, reply: Reply, size: int) -> None:
        """Count an answer, and log it when it is a score."""
        metrics = self._metrics
        if reply.rejected:
            metrics.rejected[reply.rejected] += 1
        route, job = request.route, request.job
        if route != "/score":
            if job is None:
                return
            route = INFER
        seconds = perf_counter() - request.began
        if job is not None and self._service.collector is not None:
            self._service.collect(request, reply)
        metrics.requests[route, reply.status] += 1
        metrics.duration.add(seconds)
        if job is not None and not reply.rejected:
            metrics.queue.add(job.queue_ms / 1000)
            if job.batch:
                metrics.batch.add(job.batch)
            if reply.run_ms is not None:
                metrics.run.add(reply.run_ms / 1000)
        rid = request.identity.request_id
        self._service.log.access(
            f"{request.method} {route}", reply.status, size, rid, seconds * 1000
        )
