"""One request is one request: no length, framing or upgrade lets a second one hide in its body."""

import re
import socket
from collections.abc import Iterator

import pytest

from tests.support.scoring_server import DEADLINE, Server

POST = b"POST /score HTTP/1.1\r\nHost: x\r\n"
NEXT = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HIDDEN = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: 1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"\r\n1\r\na\r\n0\r\n\r\n"

REFUSED = {
    "two lengths": LENGTH + LENGTH + b"\r\na",
    "two different lengths": LENGTH + b"Content-Length: 50\r\n\r\na",
    "a list of lengths": b"Content-Length: 1, 1\r\n\r\na",
    "a signed length": b"Content-Length: +1\r\n\r\na",
    "a hexadecimal length": b"Content-Length: 0x1\r\n\r\na",
    "an underscore in a length": b"Content-Length: 1_0\r\n\r\n" + b"a" * 10,
    "an empty length": b"Content-Length: \r\n\r\n",
    "a length beyond 64 bits": b"Content-Length: 99999999999999999999999\r\n\r\na",
    "length, then chunks": LENGTH + CHUNKED + CHUNKS,
    "chunks, then length": CHUNKED + LENGTH + CHUNKS,
    "two encodings": CHUNKED + b"Transfer-Encoding: identity\r\n" + CHUNKS,
    "an encoding after chunked": b"Transfer-Encoding: chunked, gzip\r\n" + CHUNKS,
    "an unknown encoding": b"Transfer-Encoding: xchunked\r\n" + CHUNKS,
    "a space before the colon": b"Content-Length : 1\r\n\r\na",
    "a folded header": b"X-Request-Id: a\r\n b\r\n" + LENGTH + b"\r\na",
    "a bare carriage return": b"X-Request-Id: a\rb\r\n" + LENGTH + b"\r\na",
    "a bare line feed": b"X-Request-Id: a\nX-Evil: b\r\n" + LENGTH + b"\r\na",
    "a zero byte": b"X-Request-Id: a\x00b\r\n" + LENGTH + b"\r\na",
    "a signed chunk": CHUNKED + b"\r\n-1\r\na\r\n0\r\n\r\n",
    "a prefixed chunk": CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n",
    "a chunk beyond 64 bits": CHUNKED + b"\r\nffffffffffffffffff\r\na\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n",
    "a chunk ended by a line feed": CHUNKED + b"\r\n1\na\r\n0\r\n\r\n",
}
SEPARATE = {
    "a length": LENGTH + b"\r\na",
    "chunks": CHUNKED + CHUNKS,
    "chunks with extensions and trailers": CHUNKED
    + b"\r\n1;x=y\r\na\r\n0\r\nX-Request-Id: t\r\n\r\n",
    "a request in the body": b"Content-Length: %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
    "an offer of websockets": b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    + b"Content-Length: %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
    "an offer of HTTP/2 with chunks": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    + CHUNKED
    + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN),
}


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(
        tmp_path_factory.mktemp("echo"), "def init(): pass\ndef run(data): return data\n"
    ).start()
    server.wait("Healthy")
    yield server
    server.close()


def exchange(server: Server, message: bytes) -> bytes:
    """Send, then read until the other side ends."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), DEADLINE) as client:
        client.sendall(message)
        answer = b""
        while data := client.recv(65536):
            answer += data
        return answer


def codes(answer: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.mark.parametrize("head", REFUSED.values(), ids=REFUSED.keys())
def test_a_request_that_can_be_read_in_two_ways_is_refused_and_ends_its_connection(
    echo: Server, head: bytes
) -> None:
    answer = exchange(echo, POST + head + NEXT)
    assert codes(answer) == [400]
    assert b"x-evil" not in answer.lower()


@pytest.mark.parametrize("head", SEPARATE.values(), ids=SEPARATE.keys())
def test_the_next_request_begins_where_the_body_ends(echo: Server, head: bytes) -> None:
    assert codes(exchange(echo, POST + head + NEXT)) == [200, 200]


def test_a_tunnel_is_refused_and_ends_its_connection(echo: Server) -> None:
    for target in (b"x:80", b"/score"):
        request = b"CONNECT " + target + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
        answer = exchange(echo, request % len(NEXT) + NEXT)
        assert codes(answer) in ([404], [405])


def test_an_old_client_gets_one_answer(echo: Server) -> None:
    for version in (b"1.0", b"0.9"):
        old = POST.replace(b"1.1", version) + b"Connection: close\r\n" + LENGTH + b"\r\na" + NEXT
        assert codes(exchange(echo, old)) == [200]
