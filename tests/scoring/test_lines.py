"""Lines of awkward scripts: threads, pieces, bytes, floods, and a reader that does not read."""

import concurrent.futures
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.byhand import free_port
from tests.support.pythons import Python, pythons
from tests.support.scoring_server import DEADLINE, ROOT, Server, until

Serve = Callable[..., Server]
STORM = int(os.environ.get("PILOTHOUSE_STORM", "150000"))
"""Lines; the full count is 1000000."""

THREADS = """
import concurrent.futures, sys, threading
def init():
    global pool, started, go
    pool = concurrent.futures.ThreadPoolExecutor(1)
    go = threading.Event()
def outlive(data):
    go.wait(20)
    print("late of", data)
def run(data):
    thread = threading.Thread(target=lambda: print("thread of", data))
    thread.start(); thread.join()
    pool.submit(print, "pool of", data).result()
    if data == "a":
        threading.Thread(target=outlive, args=(data,)).start()
    else:
        go.set()
        while threading.active_count() > 2: pass
        inner = threading.Thread(target=lambda: pool.submit(print, "inner of", data).result())
        inner.start(); inner.join()
    return data
"""


def rid_of(server: Server, text: str) -> str:
    return str(server.logged(text)["rid"])


@pytest.mark.parametrize("python", pythons("oldest", "newest"))
def test_threads_of_a_request_carry_its_id(serve: Serve, python: Python) -> None:
    server = serve(THREADS, interpreter=str(python.path))
    for name in ("a", "b"):
        answer = server.score(name.encode(), headers={"x-request-id": f"id-{name}"})
        assert answer.status_code == 200
    for kind in ("thread of", "pool of"):
        assert [rid_of(server, f"{kind} {name}") for name in "ab"] == ["id-a", "id-b"]
    assert rid_of(server, "late of a") == "id-a"
    assert rid_of(server, "inner of b") == "id-b"


def test_pieces_of_two_threads_do_not_mix(serve: Serve) -> None:
    script = """
import sys, threading
def init(): pass
def run(data):
    sys.stdout.write("main ")
    thread = threading.Thread(target=lambda: sys.stdout.write("of a thread that is gone"))
    thread.start(); thread.join()
    sys.stdout.write("line\\n")
"""
    server = serve(script)
    server.score({}, headers={"x-request-id": "r"})
    assert rid_of(server, "main line") == "r"
    assert rid_of(server, "of a thread that is gone") == "r"
    assert server.logged("main line")["text"] == "main line"


def test_bytes_bars_and_long_lines_stay_with_their_request(serve: Serve) -> None:
    script = r"""
import sys
def init(): pass
def run(data):
    sys.stdout.buffer.write(b"bytes \xff\xfe\n")
    for percent in range(3):
        sys.stderr.write("\r%d%%" % percent)
    sys.stderr.write("\nafter the bar\n")
    print("lone \ud800 surrogate")
    print("p" * 100_000, end="")
    print("q" * 100_000)
    print("", end="")
    sys.__stdout__.write("to the old stream\n")
    return 1
"""
    server = serve(script)
    assert server.score({}, headers={"x-request-id": "r"}).status_code == 200
    assert server.logged("bytes")["text"] == "bytes \ufffd\ufffd"
    assert server.logged("2%")["text"] == "\r0%\r1%\r2%"
    assert rid_of(server, "after the bar") == "r"
    assert server.logged("surrogate")["text"] == r"lone \ud800 surrogate"
    assert rid_of(server, "to the old stream") == "r"
    long = [
        line for line in server.log() if set(line["text"]) & set("pq") and len(line["text"]) > 999
    ]
    assert sum(len(line["text"]) for line in long) == 200_000
    assert {line["rid"] for line in long} == {"r"}


def test_children_that_a_request_forks_carry_its_id(serve: Serve) -> None:
    script = """
import os, threading
def init():
    def chatter():
        while True: print("chatter")
    threading.Thread(target=chatter, daemon=True).start()
def run(data):
    for number in range(20):
        child = os.fork()
        if not child:
            print("child", number)
            os._exit(0)
        os.waitpid(child, 0)
    return "forked"
"""
    server = serve(script)
    assert server.score({}, headers={"x-request-id": "r"}).json() == "forked"
    assert rid_of(server, "child 19") == "r"


def test_a_print_storm_neither_blocks_the_server_nor_grows_it(serve: Serve) -> None:
    script = """
def init(): pass
def run(data):
    for number in range(int(data or 0)):
        print("a line of the storm, number", number)
    return "calm"
"""
    server = serve(script, workers=2, concurrency=2, queue_wait_ms=30_000)
    server.wait("Healthy", ready=2)
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    before = peak = process.memory_info().rss
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        storm = pool.submit(httpx.post, f"{server.url}/score", content=str(STORM), timeout=300)
        with httpx.Client(base_url=server.url, timeout=DEADLINE) as client:
            while not storm.done():
                assert client.get("/livez").status_code == 200
                assert client.post("/score").json() == "calm"
                peak = max(peak, process.memory_info().rss)
    assert storm.result().json() == "calm"
    assert peak - before < 80 * 1024 * 1024
    last = server.logged(f"number {STORM - 1}")
    lost = [line["text"] for line in server.log() if "log lines were lost" in line["text"]]
    assert last["seq"] > STORM
    assert all(text.split()[0].isdigit() for text in lost)


def test_a_reader_that_does_not_read_holds_up_no_request(tmp_path: Path) -> None:
    script = """
def init(): pass
def run(data):
    for number in range(600): print("x" * 5000)
    return 1
"""
    (tmp_path / "score.py").write_text(script, encoding="utf-8")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "backends.scoring", "--entry-script=score.py", f"--port={port}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url), "a ready server")
        memory = psutil.Process(process.pid).memory_info
        for _ in range(10):
            assert httpx.post(f"{url}/score", timeout=DEADLINE).json() == 1
        before = memory().rss
        for _ in range(20):
            assert httpx.post(f"{url}/score", timeout=DEADLINE).json() == 1
        assert memory().rss - before < 20 * 1024 * 1024
        process.terminate()
        out, _ = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
        process.wait(DEADLINE)
    lines = [json.loads(line) for line in out.splitlines() if line.endswith(b"}")]
    lost = [line for line in lines if "log lines were lost" in line["text"]]
    assert lost
    assert any(line["text"].startswith("POST /score 200") for line in lines)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
