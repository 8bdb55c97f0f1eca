"""Requests over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from backends.errors import InvalidInput, ScoringFailed
from backends.requests.call import fetch_swagger, send
from backends.requests.records import Request
from backends.targets.records import Endpoint, Keys

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _server(handler: Handler) -> AsyncIterator[str]:
    calls: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.current_task()
        assert call is not None
        calls.add(call)
        with suppress(ConnectionError):
            await handler(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"
    await asyncio.gather(*calls)


def _answering(status: str, body: str, seen: list[bytes], *headers: str) -> Handler:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()

    return answer


async def test_an_answer_carries_its_times_and_ids() -> None:
    """Both what is measured here and what the server says of itself."""
    headers = ("x-request-id: 7f3a", "x-ms-run-fn-exec-ms: 1.250", "x-pilothouse-queue-ms: 0.5")
    async with _server(_answering("200 OK", "[1]", [], *headers)) as url:
        answer = await send(Request(service="s", url=f"{url}/score", body="{}"), None)
    assert (answer.status, answer.body, answer.request_id) == (200, b"[1]", "7f3a")
    assert (answer.timing.run, answer.timing.queue) == (1.25, 0.5)
    assert answer.timing.connect is not None
    assert answer.timing.wait is not None


async def test_the_key_goes_in_both_headers() -> None:
    """Proxies that take `Authorization` away leave the other."""
    seen: list[bytes] = []
    async with _server(_answering("200 OK", "{}", seen)) as url:
        await send(Request(service="s", url=url, body="{}"), Keys("first", "second"))
    assert b"Authorization: Bearer first" in seen[0]
    assert b"X-API-Key: first" in seen[0]


async def test_a_bad_status_is_an_answer() -> None:
    """Only silence is an error."""
    async with _server(_answering("500 No", '{"message":"x"}', [])) as url:
        answer = await send(Request(service="s", url=url, body=""), None)
    assert answer.status == 500


async def test_a_refused_connection_says_so() -> None:
    """With the address and where to look."""
    async with _server(_answering("200 OK", "", [])) as url:
        pass
    with pytest.raises(ScoringFailed, match="No answer from") as failed:
        await send(Request(service="sentiment", url=url, body=""), None)
    assert "get-logs -n sentiment" in failed.value.fix


async def test_a_silent_server_ends_at_the_deadline() -> None:
    """The whole call is bounded."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with _server(silent) as url:
        with pytest.raises(ScoringFailed, match="too long"):
            await send(Request(service="s", url=url, body="", timeout=0.2), None)


async def test_a_dripping_answer_ends_at_the_deadline_too() -> None:
    """However often a byte comes."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)

    async with _server(drip) as url:
        with pytest.raises(ScoringFailed, match="too long"):
            await send(Request(service="s", url=url, body="", timeout=0.3), None)


async def test_a_service_without_a_schema_has_none() -> None:
    """404 or anything but a JSON object."""
    async with _server(_answering("404 No", "{}", [])) as url:
        assert await fetch_swagger(Endpoint(url=url)) is None
    async with _server(_answering("200 OK", "[]", [])) as url:
        assert await fetch_swagger(Endpoint(url=url)) is None


@pytest.mark.parametrize(
    ("body", "headers", "key"),
    [("{}", {"x-who": "zoë"}, "k"), ("\udcff", {}, "k"), ("{}", {}, "clé")],
)
async def test_what_cannot_be_sent_is_refused_without_showing_the_key(
    body: str, headers: dict[str, str], key: str
) -> None:
    wish = Request(service="s", url="http://127.0.0.1:1", body=body, headers=headers)
    with pytest.raises(InvalidInput) as caught:
        await send(wish, Keys(key, key))
    assert key not in str(caught.value).split()
