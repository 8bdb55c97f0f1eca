"""Health while every worker spins in pure Python, as many as there are cores.

`python -m tests.bench.health` prints how long `/`, `/livez` and `/readyz` take, each time over a
new connection as a probe opens it.
"""

import os
import socket
import statistics
import tempfile
import threading
import time
from pathlib import Path

import httpx

from tests.support.scoring_server import DEADLINE, Server, until

SPIN = "def init(): pass\ndef run(data):\n    while True: pass\n"
PAGES = ("/", "/livez", "/readyz")
ROUNDS = 500


def main() -> None:
    """Print a line a page."""
    cores = os.cpu_count() or 1
    settings = {"workers": cores, "concurrency": cores, "scoring_timeout_ms": 3_600_000}
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name), SPIN, **settings).start()
        try:
            server.wait("Healthy", ready=cores)
            print(f"idle, {_line(server.url, '/')}")
            for _ in range(cores):
                threading.Thread(target=_hang, args=(f"{server.url}/score",), daemon=True).start()
            until(lambda: f"scoring_inflight {cores}" in server.get("/metrics").text, "the spins")
            for page in PAGES:
                print(f"{cores} workers spin on {cores} cores, {_line(server.url, page)}")
        finally:
            server.close()


def _hang(url: str) -> None:
    try:
        httpx.post(url, timeout=DEADLINE * 100)
    except httpx.HTTPError:
        return


def _line(url: str, page: str) -> str:
    times = sorted(_once(url + page) for _ in range(ROUNDS))
    half, late, last = statistics.median(times), times[int(ROUNDS * 0.99)], times[-1]
    return f"{page:8} median {half:.2f} ms, p99 {late:.2f} ms, longest {last:.2f} ms"


def _once(url: str) -> float:
    host, _, rest = url.removeprefix("http://").partition(":")
    port, _, path = rest.partition("/")
    began = time.perf_counter()
    with socket.create_connection((host, int(port)), DEADLINE) as client:
        client.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
