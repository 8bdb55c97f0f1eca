"""Requests that wait: those nobody waits for reach no worker, those sent ahead are not lost."""

import asyncio
import json
import socket
from collections.abc import Callable

import httpx
import pytest

from tests.support.scoring_server import DEADLINE, Server, until

Serve = Callable[..., Server]

RECORDING = """
import json, os, time
def init(): pass
def run(data):
    order = json.loads(data)
    with open("seen", "a") as file:
        file.write(order + "\\n")
    while order == "hold" and not os.path.exists("go"):
        time.sleep(0.01)
    return order
"""
DYING = """
import json, os
def init(): pass
def run(data):
    order = json.loads(data)
    if order == "die":
        os._exit(9)
    return order
"""
CONNECTIONS = 16
EACH = 60
DEATHS = 4


def sent(server: Server, order: str) -> socket.socket:
    """A connection on which a request was sent and no answer was read."""
    host, port = server.url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)), DEADLINE)
    body = json.dumps(order).encode()
    client.sendall(
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    return client


def shows(server: Server, sample: str) -> bool:
    """The metrics page has this line."""
    return sample in server.get("/metrics").text.splitlines()


def test_a_request_whose_client_left_the_queue_never_reaches_a_worker(serve: Serve) -> None:
    server = serve(RECORDING, queue_wait_ms=20_000)
    first = sent(server, "hold")
    until(lambda: (server.root / "seen").exists(), "the first request's start")
    left = sent(server, "left")
    until(lambda: shows(server, "scoring_queue_depth 1"), "the second one's wait")
    left.close()
    until(lambda: shows(server, "scoring_queue_depth 0"), "its end")
    (server.root / "go").touch()
    assert server.score("stayed").json() == "stayed"
    first.close()
    assert (server.root / "seen").read_text().split() == ["hold", "stayed"]
    assert shows(server, 'scoring_rejected_total{reason="client-left"} 1')
    assert [line["text"] for line in server.log() if " 499 " in line["text"]] == [
        "POST /score 499 0"
    ]


def test_a_place_in_the_queue_is_free_again_when_its_client_leaves(serve: Serve) -> None:
    server = serve(RECORDING, queue_wait_ms=20_000, queue_length=1)
    with sent(server, "hold"):
        until(lambda: (server.root / "seen").exists(), "the first request's start")
        left = sent(server, "left")
        until(lambda: shows(server, "scoring_queue_depth 1"), "the second one's wait")
        assert server.score("refused").status_code == 503
        left.close()
        until(lambda: shows(server, "scoring_queue_depth 0"), "its end")
        with sent(server, "stayed"):
            until(lambda: shows(server, "scoring_queue_depth 1"), "the next one's wait")
            (server.root / "go").touch()
            until(lambda: "stayed" in (server.root / "seen").read_text(), "its turn")


async def test_a_worker_that_dies_takes_only_the_request_that_it_ran(serve: Serve) -> None:
    server = await asyncio.to_thread(serve, DYING, queue_wait_ms=20_000)
    counts = {200: 0, 502: 0}
    async with httpx.AsyncClient(timeout=DEADLINE) as client:

        async def ask(number: int) -> None:
            for turn in range(EACH):
                order = "die" if turn == EACH // 2 and number < DEATHS else f"{number}.{turn}"
                answer = await client.post(f"{server.url}/score", json=order)
                counts[answer.status_code] += 1
                assert order == "die" or answer.json() == order

        await asyncio.gather(*(ask(number) for number in range(CONNECTIONS)))
    assert counts == {200: CONNECTIONS * EACH - DEATHS, 502: DEATHS}


BABBLING = """
import os, struct
FRAMES = {
    "nonsense": struct.pack("!BII", 6, 3, 0) + b"{{{",
    "twice": 2 * (struct.pack("!BII", 6, 20, 1) + b"[200,1.0,null,false]" + b"1"),
    "part": struct.pack("!BII", 7, 6, 1) + b"[true]" + b"1",
}
def init(): pass
def run(data):
    if data in FRAMES:
        links = {fd: os.readlink("/proc/self/fd/" + fd) for fd in ("3", "4", "5", "6", "7", "8")
                 if os.path.islink("/proc/self/fd/" + fd)}
        os.write(next(int(fd) for fd in links if links[fd].startswith("socket:")), FRAMES[data])
    return os.getpid()
"""


@pytest.mark.parametrize("frames", ["nonsense", "twice", "part"])
def test_a_worker_that_sends_what_no_worker_sends_is_replaced(serve: Serve, frames: str) -> None:
    server = serve(BABBLING)
    first = server.score(b"").json()
    assert server.score(frames.encode()).status_code in (200, 502)
    until(lambda: server.status()["workers"] not in ([first], []), "another worker")
    server.wait("Healthy", ready=1)
    assert server.score(b"").json() not in (first, 1)
    assert "it sent a frame that cannot be read" in server.logged("ended in run")["text"]
