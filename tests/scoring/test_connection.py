"""A connection: order, early refusals, bodies in pieces, old clients, clients that read slowly."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse

import pytest

from tests.support.scoring_server import DEADLINE, Server, until

Serve = Callable[..., Server]
LIMIT = 100_000

STREAMING = """
class Endless:
    status_code, headers, is_streamed = 200, {}, True
    response = (b"x" * 65536 for _ in iter(int, 1))
    def get_data(self): pass
def init(): pass
def run(data):
    return Endless() if data == "endless" else data
"""


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), DEADLINE) as client:
        yield client


def post(body: bytes, *lines: bytes, path: bytes = b"/score", version: bytes = b"1.1") -> bytes:
    head = b"POST %b HTTP/%b\r\nHost: x\r\nContent-Length: %d\r\n" % (path, version, len(body))
    return head + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def answer(client: socket.socket) -> tuple[int, bytes, HTTPResponse]:
    """The next answer on a connection; nothing that follows it is taken."""
    response = HTTPResponse(client)
    response.begin()
    return response.status, response.read(), response


def test_answers_come_in_the_order_of_pipelined_requests(serve: Serve) -> None:
    server = serve(queue_wait_ms=20_000)
    with connected(server) as client:
        requests = [post(b"%d" % n) if n % 3 else post(b"", path=b"/nowhere") for n in range(50)]
        client.sendall(b"".join(requests) + post(b"50", b"Connection: close"))
        data = b""
        while piece := client.recv(65536):
            data += piece
    statuses = [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200 if n % 3 else 404 for n in range(50)] + [200]
    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in data.split(b"HTTP/1.1 ")[1:]]
    assert [body for body in bodies if body.isdigit()] == [
        b"%d" % n for n in range(51) if n % 3 or n == 50
    ]


def test_a_request_may_come_a_byte_at_a_time(serve: Serve) -> None:
    server = serve()
    with connected(server) as client:
        for byte in post(b'{"a": 1}'):
            client.sendall(bytes([byte]))
        assert answer(client)[:2] == (200, b'{"a": 1}')


def test_a_body_may_come_in_chunks_with_trailers(serve: Serve) -> None:
    server = serve()
    with connected(server) as client:
        client.sendall(
            b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\n[1,\r\n3;note=x\r\n 2]\r\n0\r\nx-request-id: late\r\n\r\n"
        )
        status, body, response = answer(client)
    assert (status, body) == (200, b"[1, 2]")
    assert response.getheader("x-request-id") != "late"


def test_who_expects_to_be_told_is_told_to_go_on(serve: Serve) -> None:
    server = serve()
    with connected(server) as client:
        request = post(b"7", b"Expect: 100-continue")
        client.sendall(request[:-1])
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(request[-1:])
        assert answer(client)[:2] == (200, b"7")


@pytest.mark.parametrize(
    ("path", "length", "status"), [(b"/nowhere", 10, 404), (b"/score", LIMIT + 1, 413)]
)
def test_who_expects_to_be_told_is_refused_before_the_body(
    serve: Serve, path: bytes, length: int, status: int
) -> None:
    server = serve(body_bytes=LIMIT)
    with connected(server) as client:
        client.sendall(
            b"POST %b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
            % (path, length)
        )
        found, _, response = answer(client)
    assert (found, response.getheader("connection")) == (status, "close")


def test_a_refused_upload_sees_its_answer_and_no_reset(serve: Serve) -> None:
    server = serve(body_bytes=LIMIT)
    with connected(server) as client:
        client.sendall(post(b"x" * 50 * LIMIT))
        status, body, _ = answer(client)
        assert client.recv(1) == b""
    assert status == 413
    assert json.loads(body)["message"] == f"The request body is larger than {LIMIT} bytes."


def test_chunks_beyond_the_limit_are_refused_as_they_come(serve: Serve) -> None:
    server = serve(body_bytes=LIMIT)
    with connected(server) as client:
        client.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            client.sendall(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
        assert answer(client)[0] == 413


CHUNKED = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "header": b"GET /score HTTP/1.1\r\nx: " + b"y" * 400_000,
    "target": b"GET /" + b"y" * 400_000,
    "headers": b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 80_000,
    "trailers": CHUNKED + b"0\r\n" + b"x: y\r\n" * 80_000,
    "extension": CHUNKED + b"1;" + b"x" * 400_000,
}


@pytest.mark.parametrize("what", ENDLESS)
def test_heads_and_framing_have_an_end(serve: Serve, what: str) -> None:
    server, endless = serve(), ENDLESS[what]
    with connected(server) as client:
        for start in range(0, len(endless), 50_000):
            client.sendall(endless[start : start + 50_000])
        assert answer(client)[0] in (400, 431)
    assert server.score(1).json() == 1


def test_a_client_of_http_1_0_gets_its_answer_and_the_end(serve: Serve) -> None:
    server = serve()
    with connected(server) as client:
        client.sendall(post(b"1", version=b"1.0"))
        data = b""
        while piece := client.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    assert body == b"1"
    assert b"connection: close" in head.lower()
    assert b"transfer-encoding" not in head.lower()


def test_a_target_may_name_a_host(serve: Serve) -> None:
    server = serve()
    with connected(server) as client:
        client.sendall(post(b"1", path=b"http://elsewhere:80/score?a=1"))
        assert answer(client)[:2] == (200, b"1")


def test_head_has_the_length_and_no_body(serve: Serve) -> None:
    server = serve()
    with connected(server) as client:
        client.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := client.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert (lines[b"content-length"], body) == (b"7", b"")


def test_a_client_that_does_not_read_is_not_read_from_either(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return 'x' * 200_000\n")
    with connected(server) as client:
        client.settimeout(1.0)
        with pytest.raises(TimeoutError):
            while True:
                client.sendall(post(b"1") * 100)
    top = server.family()[0].memory_info().rss
    assert top < 200e6
    assert server.score(1).status_code == 200


def test_a_client_that_leaves_a_stream_frees_its_worker(serve: Serve) -> None:
    server = serve(STREAMING, scoring_timeout_ms=2000)
    worker = server.status()["workers"]
    with connected(server) as client:
        client.sendall(post(b"endless"))
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
    until(lambda: server.status()["workers"] not in (worker, []), "another worker")
    server.wait("Healthy", ready=1)
    assert server.score(b"short").json() == "short"
