"""One request to a service, timed part by part."""

import asyncio
import time
from typing import Any

import httpx

from backends.errors import InvalidInput, ScoringFailed
from backends.requests.records import Answer, Request, Timing
from backends.targets.records import Endpoint, Keys

CONNECT_SECONDS = 5.0
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer that are read; a larger one is refused rather than kept in memory."""


class _Clock:
    """Marks of one call, from httpx's trace events."""

    def __init__(self) -> None:
        self.marks: dict[str, float] = {}

    async def __call__(self, event: str, _info: Any) -> None:
        self.marks.setdefault(event, time.perf_counter())

    def since_start(self) -> float:
        """Milliseconds from the first thing done on the wire until now."""
        return (time.perf_counter() - min(self.marks.values())) * 1000

    def between(self, first: str, last: str) -> float | None:
        """Milliseconds from one event to another, None when either did not happen."""
        if first in self.marks and last in self.marks:
            return (self.marks[last] - self.marks[first]) * 1000
        return None


async def send(request: Request, keys: Keys | None) -> Answer:
    """Send a request and return whatever is answered.

    The key goes in `Authorization` as Azure ML's clients send it, and in `X-API-Key`, which
    survives proxies that take `Authorization` away.

    Raises:
        ScoringFailed: no answer came (refused, cut, timed out), or it was too large.
        InvalidInput: the body, a header or the key holds characters that cannot be sent.
    """
    headers = {"Content-Type": "application/json", **request.headers}
    if keys is not None:
        headers |= {"Authorization": f"Bearer {keys.primary}", "X-API-Key": keys.primary}
    clock = _Clock()
    call: dict[str, Any] = {
        "headers": headers,
        "timeout": httpx.Timeout(request.timeout, connect=CONNECT_SECONDS),
        "extensions": {"trace": clock},
    }
    try:
        async with httpx.AsyncClient(trust_env=False, verify=_verify(request.url)) as client:
            at = time.time()
            call["content"] = request.body.encode()
            async with (
                asyncio.timeout(request.timeout),
                client.stream(request.method, request.url, **call) as response,
            ):
                body = await _read(response)
            total = clock.since_start()
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as broken:
        raise ScoringFailed(
            f"No answer from {request.url}: {_why(broken)}.",
            fix=f"See its state and log: `pilothouse service get-logs -n {request.service}`.",
        ) from broken
    except UnicodeEncodeError as broken:
        raise InvalidInput(
            "The request cannot be sent: a header or the key is not ASCII, or the body no text.",
            fix="Correct the header; `pilothouse service regen-key` makes a key that can be sent.",
        ) from broken
    return _answer(response, body, at, total, clock)


async def fetch_swagger(endpoint: Endpoint, keys: Keys | None = None) -> dict[str, Any] | None:
    """The service's own schema, or None when it gives none."""
    request = Request(
        service="", url=endpoint.swagger, body="", method="GET", headers=endpoint.headers, timeout=5
    )
    try:
        answer = await send(request, keys)
        found = httpx.Response(answer.status, content=answer.body).json()
    except (ScoringFailed, ValueError):
        return None
    return found if answer.status == httpx.codes.OK and isinstance(found, dict) else None


def _answer(
    response: httpx.Response, body: bytes, at: float, total: float, clock: _Clock
) -> Answer:
    return Answer(
        status=response.status_code,
        reason=response.reason_phrase,
        headers=tuple(response.headers.multi_items()),
        body=body,
        timing=Timing(
            total=total,
            connect=clock.between(
                "connection.connect_tcp.started", "connection.connect_tcp.complete"
            ),
            wait=clock.between(
                "http11.send_request_body.complete", "http11.receive_response_headers.complete"
            ),
            read=clock.between(
                "http11.receive_response_body.started", "http11.receive_response_body.complete"
            ),
            queue=_milliseconds(response, "x-pilothouse-queue-ms"),
            run=_milliseconds(response, "x-ms-run-fn-exec-ms"),
        ),
        request_id=response.headers.get("x-request-id", ""),
        at=at,
    )


async def _read(response: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > LARGEST_ANSWER:
            raise ScoringFailed(
                f"The answer is larger than {LARGEST_ANSWER // 2**20} MiB and was not kept.",
                fix="Ask for less, or call the service with curl and -o FILE.",
            )
        parts.append(part)
    return b"".join(parts)


def _verify(url: str) -> bool:
    """Certificates are checked; loading the authorities is skipped where there is no TLS."""
    return url.startswith("https:")


def _milliseconds(response: httpx.Response, header: str) -> float | None:
    try:
        return float(response.headers.get(header, ""))
    except ValueError:
        return None


def _why(broken: Exception) -> str:
    if isinstance(broken, httpx.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS:g} s"
    if isinstance(broken, httpx.TimeoutException | TimeoutError):
        return "it took too long"
    return str(broken) or type(broken).__name__
