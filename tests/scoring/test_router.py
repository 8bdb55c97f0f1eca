"""The router between clients and replicas: what it passes on, mends, refuses and never loses."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.support.load import load
from tests.support.routing import Call, Replica, Router, Talk, replica, router, talk
from tests.support.services import eventually

POST = b"POST /score HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="ph-r-") as name:
        yield Path(name)


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient, None]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as found:
        yield found


async def echo(call: Call) -> None:
    await call.answer(call.body, head="x-own: 1\r\nconnection: keep-alive\r\n")


def named(name: str) -> Talk:
    async def answer(call: Call) -> None:
        await call.answer(name.encode())

    return answer


async def test_a_request_and_its_answer_pass_whole(folder: Path, client: httpx.AsyncClient) -> None:
    async with replica(echo) as one, router(folder, one) as front:
        answer = await client.post(
            f"{front.url}/score?a=1%20b",
            content=b"\x00body",
            headers={"X-Api-Key": "k", "Connection": "keep-alive, x-mine", "X-Mine": "1"},
        )
        assert (answer.status_code, answer.content) == (200, b"\x00body")
        assert answer.headers["x-own"] == "1"
        assert "connection" not in answer.headers
        (call,) = one.calls
        assert call.head == "POST /score?a=1%20b HTTP/1.1"
        assert call.headers["x-api-key"] == "k"
        assert call.headers["host"] == f"127.0.0.1:{front.port}"
        assert "x-mine" not in call.headers
        assert "connection" not in call.headers
        assert (await client.head(front.url)).headers["content-length"] == "0"
        assert (await client.get(front.url)).status_code == 200
        assert one.connections == 1


async def test_bodies_of_any_size_stream_both_ways(folder: Path, client: httpx.AsyncClient) -> None:
    whole = bytes(range(256)) * 40_000

    async def pieces() -> AsyncGenerator[bytes, None]:
        for start in range(0, len(whole), 100_000):
            yield whole[start : start + 100_000]

    async def chunked(call: Call) -> None:
        call.writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for start in range(0, len(call.body), 70_000):
            part = call.body[start : start + 70_000]
            call.writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await call.writer.drain()
        call.writer.write(b"0\r\n\r\n")

    async def until_close(call: Call) -> None:
        call.writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + call.body)
        await call.writer.drain()
        call.writer.close()

    for answer in (echo, chunked, until_close):
        async with replica(answer) as one, AsyncExitStack() as stack:
            inner = folder / answer.__name__
            inner.mkdir()
            front = await stack.enter_async_context(router(inner, one))
            for content in (whole, pieces(), b""):
                got = await client.post(f"{front.url}/score", content=content)
                assert got.content == (b"" if content == b"" else whole)


async def test_a_client_keeps_its_connection_while_replicas_change(folder: Path) -> None:
    async with AsyncExitStack() as stack:
        ones = [await stack.enter_async_context(replica(named(str(n)))) for n in range(6)]
        front = await stack.enter_async_context(router(folder, ones[0]))
        async with load(f"{front.url}/score", rate=300, connections=4) as seen:
            for number in range(30):
                await front.use(number, ones[number % 6])
                answer = await front.ask(op="drain", seconds=5)
                assert answer["ok"]
        assert seen.failures == []
        assert seen.asked == seen.answered
        assert len(seen.bodies) > 1


async def test_a_kept_connection_that_was_closed_costs_no_request(
    folder: Path, client: httpx.AsyncClient
) -> None:
    async def once(call: Call) -> None:
        if call.number == 1:
            await call.answer(b"first of its connection")
        else:
            call.writer.transport.abort()

    async with replica(once) as one, router(folder, one) as front:
        for _ in range(5):
            answer = await client.post(f"{front.url}/score", content=b"{}")
            assert answer.content == b"first of its connection"
        assert one.connections == 5


async def test_what_a_replica_may_have_begun_is_not_sent_twice(
    folder: Path, client: httpx.AsyncClient
) -> None:
    async def dies(call: Call) -> None:
        call.writer.transport.abort()

    async def dies_later(call: Call) -> None:
        call.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await call.writer.drain()
        call.writer.transport.abort()

    async with replica(dies) as one, router(folder, one) as front:
        answer = await client.post(f"{front.url}/score", content=b"{}")
        assert answer.status_code == 502
        assert len(one.calls) == 1
        async with replica(dies_later) as two:
            await front.use(2, two)
            with pytest.raises(httpx.TransportError):
                await client.post(f"{front.url}/score", content=b"{}")
            assert len(two.calls) == 1


async def test_a_replica_that_is_down_gets_nothing_until_it_is_ready(
    folder: Path, client: httpx.AsyncClient
) -> None:
    async with replica(named("up")) as up, replica(named("down")) as down:
        gone = Replica(named("gone"), port=down.port)
        async with router(folder) as front:
            assert (await client.post(front.url, content=b"{}")).status_code == 503
            await front.use(1, up, down)
        assert {up.connections, down.connections} == {0}
    async with replica(named("up")) as up, router(folder, up, gone) as front:
        for _ in range(10):
            assert (await client.post(front.url, content=b"{}")).text == "up"
        server = await asyncio.start_server(gone.serve, "127.0.0.1", gone.port)

        async def both() -> bool:
            answers = await asyncio.gather(*(client.post(front.url, content=b"{}") for _ in "ab"))
            return {answer.text for answer in answers} == {"up", "gone"}

        await eventually(both)
        server.close()


async def test_the_replica_with_the_fewest_requests_gets_the_next(
    folder: Path, client: httpx.AsyncClient
) -> None:
    free = asyncio.Event()

    async def stuck(call: Call) -> None:
        await free.wait()
        await call.answer(b"stuck")

    async with (
        replica(stuck) as slow,
        replica(named("quick")) as quick,
        router(folder, slow, quick) as front,
    ):
        held = asyncio.create_task(client.post(front.url, content=b"{}"))

        async def taken() -> bool:
            return bool(slow.calls)

        await eventually(taken)
        texts = {(await client.post(front.url, content=b"{}")).text for _ in range(20)}
        assert texts == {"quick"}
        free.set()
        assert (await held).text == "stuck"


async def test_a_set_that_follows_waits_until_all_of_it_is_ready(
    folder: Path, client: httpx.AsyncClient
) -> None:
    async with (
        replica(named("old")) as old,
        replica(named("new")) as one,
        replica(named("new"), ready=False) as two,
        router(folder, old) as front,
    ):
        await front.use(2, one, two, when_ready=True)
        for _ in range(10):
            assert (await client.post(front.url, content=b"{}")).text == "old"
        status = await front.ask(op="status")
        assert status["revision"] == 1
        assert status["coming"] == {"revision": 2, "upstreams": [one.upstream, two.upstream]}
        two.ready = True

        async def switched() -> bool:
            return (await front.ask(op="status"))["revision"] == 2

        await eventually(switched)
        assert (await client.post(front.url, content=b"{}")).text == "new"


async def test_a_replica_that_was_taken_out_answers_what_it_has(
    folder: Path, client: httpx.AsyncClient
) -> None:
    free = asyncio.Event()

    async def slow(call: Call) -> None:
        await free.wait()
        await call.answer(b"old")

    async with replica(slow) as old, replica(named("new")) as new, router(folder, old) as front:
        held = asyncio.create_task(client.post(front.url, content=b"{}"))

        async def taken() -> bool:
            return bool(old.calls)

        await eventually(taken)
        await front.use(2, new)
        assert (await front.ask(op="drain", seconds=0.05))["ok"] is False
        free.set()
        assert (await front.ask(op="drain", seconds=10))["ok"] is True
        assert (await held).text == "old"


async def test_it_starts_with_what_was_in_use(folder: Path, client: httpx.AsyncClient) -> None:
    async with replica(named("kept")) as one:
        async with router(folder) as front:
            await front.use(7, one)
        async with router(folder) as front:
            assert (await front.ask(op="status"))["revision"] == 7
            assert (await client.post(front.url, content=b"{}")).text == "kept"


async def test_requests_sent_together_are_answered_in_their_order(folder: Path) -> None:
    async with replica(echo) as one, router(folder, one) as front:
        requests = [
            b"POST /score HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nnum-%d" % number
            for number in range(9)
        ]
        requests.append(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        said = await talk(front.port, b"".join(requests))
        places = [said.index(b"num-%d" % number) for number in range(9)]
        assert places == sorted(places)
        assert said.count(b"HTTP/1.1 200") == 10


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 70_000, b"431"),
        (
            POST.replace(b"\r\n\r\n{}", b"\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            b"400",
        ),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_request_reaches_no_replica(
    folder: Path, data: bytes, status: bytes
) -> None:
    async with replica(echo) as one, router(folder, one) as front:
        assert (await talk(front.port, data)).startswith(b"HTTP/1.1 " + status)
        assert one.calls == []


async def test_old_clients_and_those_that_wait_for_leave_are_served(folder: Path) -> None:
    async def chunked(call: Call) -> None:
        call.writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        call.writer.write(b"5\r\nhello\r\n0\r\n\r\n")

    async with replica(chunked) as one, router(folder, one) as front:
        said = await talk(front.port, b"GET / HTTP/1.0\r\n\r\n")
        assert said.endswith(b"\r\n\r\nhello")
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        writer.write(POST.replace(b"\r\n\r\n{}", b"\r\nexpect: 100-continue\r\n\r\n"))
        assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"{}")
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        assert "expect" not in one.calls[-1].headers
        writer.close()


async def test_a_client_that_leaves_takes_its_request_back(folder: Path) -> None:
    gone = asyncio.Event()

    async def waits(call: Call) -> None:
        with contextlib.suppress(OSError):
            await call.reader.read(1)
        gone.set()

    async with replica(waits) as one, router(folder, one) as front:
        _, writer = await asyncio.open_connection("127.0.0.1", front.port)
        writer.write(POST)

        async def taken() -> bool:
            return bool(one.calls)

        await eventually(taken)
        writer.close()
        async with asyncio.timeout(10):
            await gone.wait()


async def test_an_answer_before_the_whole_request_ends_the_connection(folder: Path) -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(refuses, "127.0.0.1", 0)
    one = Replica(echo, port=server.sockets[0].getsockname()[1])
    head = b"POST /score HTTP/1.1\r\nhost: a\r\ncontent-length: 90000000\r\n\r\n"
    async with router(folder, one) as front:
        said = await talk(front.port, head, b"x" * 100_000)
        assert said.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in said
        assert said.endswith(b"big")
    server.close()


async def test_wrong_words_are_refused(folder: Path) -> None:
    async with router(folder) as front:
        for request in (
            {"op": "dance"},
            {"op": "use"},
            {"op": "use", "revision": 1, "upstreams": ["x"]},
        ):
            answer = await front.ask(**request)
            assert answer["ok"] is False
            assert answer["error"]
        assert isinstance(front, Router)
