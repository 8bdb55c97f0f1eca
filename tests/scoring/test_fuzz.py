"""Whatever bytes arrive: no crash, no hang, no answer of another request, and the memory stays.

`PILOTHOUSE_FUZZ` (default 2000) is how many messages are sent.
"""

import os
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.support.scoring_server import Server

Serve = Callable[..., Server]
COUNT = int(os.environ.get("PILOTHOUSE_FUZZ", "2000"))
HANG_SECONDS = 20.0
PATIENCE_SECONDS = 0.02
GROWTH = 16 * 1024 * 1024
"""What the supervisor may take more after the first part of the messages, bytes."""

TEXT = "def init(): pass\ndef run(data): return data\n"
RAW = """
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
@rawhttp
def run(request):
    seen = [request.path, dict(request.args), dict(request.form), list(request.files),
            request.get_json(silent=True), request.cookies, request.get_data(as_text=True)]
    return AMLResponse(repr(seen), 200)
"""
GOOD = (
    b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b'x-request-id: abc\r\nContent-Length: 7\r\n\r\n{"a":1}'
)
CHUNKED = (
    b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\nTrailer: z\r\n\r\n"
)
FORM = (
    b"POST /score?q=%C3%A4 HTTP/1.1\r\nHost: x\r\nCookie: a=b; c\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 118\r\n\r\n"
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n\r\n\x00\xff\r\n'
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
)
PAGES = (b"/", b"/livez", b"/metrics", b"/swagger.json?version=3", b"/openapi.json", b"/v2", b"/x")
ODD = (
    b"\r\n\r\n",
    b"\n",
    b"\x00",
    b"\xff" * 40,
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    b"Connection: close\r\n",
    b"x-request-id: " + b"y" * 200 + b"\r\n",
    b"x-ms-client-request-id: \xc3\x28\x9b[31m\r\n",
    b"traceparent: 00-zz-1-01\r\n",
    b"x: " + b"z" * 70_000 + b"\r\n",
    b"a: b\r\n" * 2000,
    b"HTTP/9.9",
    b"%zz%00%ff?a=%ff&a=\xc3",
    b"ffffffffffffffff\r\n",
    b"0\r\n\r\n",
)


def mutated(chance: random.Random) -> bytes:
    """A good message with pieces taken out, put in and doubled."""
    message = bytearray(chance.choice((GOOD, CHUNKED, FORM)))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(message) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            del message[at : at + chance.randint(1, 20)]
        elif kind == 1:
            message[at:at] = chance.choice(ODD)
        elif kind == 2:
            message[at:at] = chance.randbytes(chance.randint(1, 8))
        else:
            message += message[at:]
    return bytes(message)


def headed(chance: random.Random) -> bytes:
    """A head of odd headers, and a body that need not fit."""
    method = chance.choice((b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"CONNECT", b"M-SEARCH"))
    path = chance.choice((*PAGES, b"/score", b"/score?a=1", b"*", b"http://h/score", b"//", b"/%"))
    version = chance.choice((b"1.1", b"1.1", b"1.1", b"1.0", b"0.9", b"2.0"))
    body = chance.randbytes(chance.choice((0, 1, 7, 300)))
    headers = [b"Host: x\r\n", b"Content-Length: %d\r\n" % chance.choice((len(body), 0, 3))]
    headers += chance.sample(ODD, chance.randint(0, 3))
    chance.shuffle(headers)
    return b"%b %b HTTP/%b\r\n%b\r\n%b" % (method, path, version, b"".join(headers), body)


def pipelined(chance: random.Random) -> bytes:
    """Several messages without waiting for answers; the last may be broken."""
    pages = (b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % page for page in chance.choices(PAGES, k=8))
    parts = [*pages, *chance.choices((GOOD, CHUNKED), k=chance.randint(1, 8))]
    chance.shuffle(parts)
    return b"".join(parts) + mutated(chance)


def chunks(chance: random.Random) -> bytes:
    """A chunked body whose sizes, extensions and ends are mostly wrong."""
    head = CHUNKED.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    pieces = []
    for _ in range(chance.randint(0, 30)):
        data = chance.randbytes(chance.randint(0, 20))
        size = b"%x" % (len(data) + chance.choice((0, 0, 0, 0, 1, -1, 2**40)))
        end = chance.choice((b"\r\n", b"\r\n", b"\r\n", b"\n", b""))
        extension = chance.choice((b"", b"", b";a", b';a="b\r\n"', b";" + b"x" * 5000))
        pieces.append(size + extension + end + data + b"\r\n")
    return head + b"".join(pieces) + chance.choice((b"0\r\n\r\n", b"", b"0\r\na: b\r\n\r\n"))


def noise(chance: random.Random) -> bytes:
    """Anything at all."""
    return chance.randbytes(chance.choice((1, 3, 50, 2000)))


KINDS = (mutated, mutated, headed, headed, pipelined, chunks, noise)


def messages(chance: random.Random, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield chance.choice(KINDS)(chance)


def exchange(address: tuple[str, int], message: bytes, chance: random.Random) -> bytes:
    """Send whole, in pieces or cut off by a reset; read what comes until the other side ends.

    Raises:
        TimeoutError: Nothing came and the connection was not ended.
    """
    with socket.create_connection(address, HANG_SECONDS) as client:
        manner = chance.randrange(10)
        try:
            if manner == 0:
                cut = chance.randrange(len(message) + 1)
                client.sendall(message[:cut])
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            step = len(message) if manner > 2 else chance.randint(1, 1 + len(message) // 3)
            for start in range(0, len(message), max(1, step)):
                client.sendall(message[start : start + step])
            answer = first_bytes(client) if manner > 4 else b""
            client.shutdown(socket.SHUT_WR)
            while data := client.recv(262_144):
                answer += data
        except TimeoutError:
            raise
        except OSError:
            return b""
        return answer


def first_bytes(client: socket.socket) -> bytes:
    """The first of the answer, where the message was whole: an early end would take it back."""
    client.settimeout(PATIENCE_SECONDS)
    try:
        return client.recv(262_144)
    except TimeoutError:
        return b""
    finally:
        client.settimeout(HANG_SECONDS)


@pytest.mark.timeout(120 + COUNT / 100)
@pytest.mark.parametrize("script", [TEXT, RAW], ids=["text", "raw"])
def test_broken_requests_hurt_nothing(serve: Serve, script: str) -> None:
    server = serve(script, queue_wait_ms=20_000)
    host, port = server.url.removeprefix("http://").split(":")
    worker = server.status()["workers"]
    chance = random.Random(7)
    supervisor = server.family()[0]
    early, seen = 0, Counter[bytes]()
    began = time.monotonic()
    for number, message in enumerate(messages(chance, COUNT // 2)):
        answer = exchange((host, int(port)), message, chance)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 "), message
        assert b"Traceback" not in answer
        assert b"HTTP/1.1 5" not in answer, message
        seen[answer[9:12]] += 1
        if number == COUNT // 20:
            early = supervisor.memory_info().rss
    grown = supervisor.memory_info().rss - early
    print(f"{COUNT // 2} messages in {time.monotonic() - began:.0f} s, first answers {dict(seen)},")
    print(f"supervisor grew by {grown / 1e6:.1f} MB to {early / 1e6:.0f} MB")
    assert grown < GROWTH
    assert server.score({"a": 1}).status_code == 200
    assert server.status()["workers"] == worker
    assert open_connections(supervisor, int(port)) == 0
    assert [line for line in server.log() if line["level"] == "ERROR"] == []


def open_connections(process: psutil.Process, port: int) -> int:
    """Connections of clients that the supervisor has not let go."""
    found = process.net_connections("tcp")
    return sum(c.status == psutil.CONN_ESTABLISHED and c.laddr.port == port for c in found)
