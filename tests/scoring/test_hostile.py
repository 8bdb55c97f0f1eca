"""Whatever bytes arrive: no crash, no hang, nothing of ours in the answer."""

import os
import random
import socket
from collections.abc import Callable, Iterator

from tests.support.scoring_server import Server

Serve = Callable[..., Server]
COUNT = int(os.environ.get("PILOTHOUSE_FUZZ", "2000"))
GOOD = (
    b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b'x-request-id: abc\r\nContent-Length: 7\r\n\r\n{"a":1}'
)
ODD = (
    b"\r\n\r\n",
    b"\x00",
    b"\xff" * 40,
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    b"x-request-id: " + b"y" * 200 + b"\r\n",
    b"x: " + b"z" * 70_000 + b"\r\n",
    b"HTTP/9.9",
    b"%zz%00%ff?a=%ff&a=\xc3",
)


def mutations(chance: random.Random) -> Iterator[bytes]:
    for _ in range(COUNT):
        message = bytearray(GOOD)
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
        yield bytes(message)


def exchange(address: tuple[str, int], message: bytes) -> bytes:
    """Send, say that nothing follows, read what comes."""
    with socket.create_connection(address, 10) as client:
        try:
            client.sendall(message)
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while data := client.recv(65536):
                answer += data
        except TimeoutError:
            raise
        except OSError:
            return b""
        return answer


def test_broken_requests_hurt_nothing(serve: Serve) -> None:
    server = serve()
    host, port = server.url.removeprefix("http://").split(":")
    worker = server.status()["workers"]
    for message in mutations(random.Random(7)):
        answer = exchange((host, int(port)), message)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 "), message
        assert b"Traceback" not in answer
    assert server.score({"a": 1}).json() == {"a": 1}
    assert server.status()["workers"] == worker
    assert not [line for line in server.log() if "ASGI" in line["text"]]


def test_a_header_that_cannot_be_written_is_an_error_and_no_injection(serve: Serve) -> None:
    server = serve(
        "from azureml.contrib.services.aml_response import AMLResponse\n"
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "def init(): pass\n"
        "@rawhttp\n"
        "def run(request):\n"
        "    return AMLResponse('x', 200, {'X-A': request.args['v']})\n"
    )
    assert server.get("/score", params={"v": "ä€"}).headers["x-a"].endswith("?")
    injected = server.get("/score", params={"v": "a\r\nX-Evil: 1"})
    assert "x-evil" not in injected.headers
    assert injected.status_code == 500
    assert server.score(b"").status_code == 500
