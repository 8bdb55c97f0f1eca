"""What a script does to itself does not hurt the service: spins, deaths, timeouts, floods."""

import concurrent.futures
import os
import signal
from collections.abc import Callable
from typing import Any

import httpx
import psutil
import pytest

from tests.support.scoring_server import DEADLINE, Server, until

Serve = Callable[..., Server]

OBEY = """
import ctypes, json, os, sys, time
def init():
    print("init ran")
def run(data):
    order = json.loads(data)
    if order == "spin":
        while True: pass
    if order == "exit": os._exit(7)
    if order == "leave": sys.exit(1)
    if order == "segfault": ctypes.string_at(0)
    if isinstance(order, float): time.sleep(order)
    return [order, os.getpid()]
"""


def background(call: Callable[[], Any]) -> "concurrent.futures.Future[Any]":
    """Run a call in a thread of its own."""
    pool = concurrent.futures.ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return future


def busy(server: Server) -> bool:
    """A request is with a worker."""
    return "scoring_inflight 1" in server.get("/metrics").text


def test_health_answers_while_run_spins_and_the_stuck_worker_is_replaced(serve: Serve) -> None:
    server = serve(OBEY, scoring_timeout_ms=1500)
    first = server.status()["workers"][0]
    stuck = background(lambda: server.score("spin"))
    until(lambda: busy(server), "the request's start")
    assert server.get("/").text == "Healthy"
    assert server.get("/livez").status_code == 200
    assert server.get("/readyz").status_code == 200
    answer = stuck.result(DEADLINE)
    assert answer.status_code == 504
    assert answer.json() == {"message": "Scoring timeout after 1500 ms"}
    server.wait("Healthy", ready=1) if server.status()["workers"] != [first] else None
    until(lambda: server.status()["workers"] not in ([first], []), "another worker")
    server.wait("Healthy", ready=1)
    assert not psutil.pid_exists(first)
    assert server.score("again").json()[0] == "again"


def test_a_late_run_keeps_its_worker(serve: Serve) -> None:
    server = serve(OBEY, scoring_timeout_ms=300, queue_wait_ms=5000)
    assert server.score(0.5).status_code == 504
    assert server.score("next").json() == ["next", server.status()["workers"][0]]
    assert not any("ended" in line["text"] for line in server.log())


@pytest.mark.parametrize(("order", "code"), [("exit", 7), ("segfault", -signal.SIGSEGV)])
def test_a_dying_worker_fails_its_request_alone(serve: Serve, order: str, code: int) -> None:
    server = serve(OBEY, queue_wait_ms=20_000)
    assert server.score("fine").status_code == 200
    answer = server.score(order)
    assert answer.status_code == 502
    assert server.score("fine").status_code == 200
    server.wait("Healthy")
    ended = server.logged("ended in run")["text"]
    if code < 0:
        assert "SIGSEGV" in ended
        assert server.logged("Fatal Python error: Segmentation fault")
    else:
        assert "exited with code 7" in ended
    assert "scoring_worker_restarts_total 1" in server.get("/metrics").text


def test_sys_exit_in_run_is_an_error_and_no_end(serve: Serve) -> None:
    server = serve(OBEY)
    worker = server.status()["workers"]
    assert server.score("leave").status_code == 500
    assert server.status()["workers"] == worker


def test_workers_killed_again_and_again_lose_only_what_was_in_flight(serve: Serve) -> None:
    server = serve(OBEY, queue_wait_ms=20_000)
    codes = []
    with httpx.Client(base_url=server.url, timeout=DEADLINE) as client:
        for _ in range(10):
            for worker in server.status()["workers"]:
                os.kill(worker, signal.SIGKILL)
            codes += [client.post("/score", json=n).status_code for n in range(5)]
    assert set(codes) <= {200, 502}
    assert codes.count(200) >= 40
    server.wait("Healthy", ready=1)


def test_init_that_raises_is_failed_with_evidence_and_the_server_stays(serve: Serve) -> None:
    server = serve(
        "import sys\n"
        "def init():\n    print('before')\n    raise RuntimeError('no model today')\n"
        "def run(d): pass\n",
        healthy=False,
    )
    status = server.wait("Failed")
    evidence = status["evidence"]
    assert status["reason"] == "RuntimeError: no model today"
    assert (evidence["stage"], evidence["exit_code"]) == ("init", 3)
    assert evidence["traceback"].splitlines()[-1] == "RuntimeError: no model today"
    assert "_pilothouse" not in evidence["traceback"]
    assert "before" in evidence["last_lines"]
    assert evidence["model_tree"] == [f"{server.root}/azureml-models does not exist"]
    assert (status["ready"], status["workers"]) == (0, [])
    health = server.get("/")
    assert health.status_code == 503
    assert health.json()["reason"] == "RuntimeError: no model today"
    assert server.get("/livez").status_code == 503
    refused = server.score({})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "no model today" in refused.json()["message"]


def test_a_start_that_dies_again_and_again_is_failed(serve: Serve) -> None:
    server = serve("import os\nos.kill(os.getpid(), 11)\n", healthy=False)
    status = server.wait("Failed")
    assert status["evidence"]["exit_code"] == -signal.SIGSEGV
    assert "SIGSEGV" in status["reason"]


def test_init_that_takes_too_long_is_ended(serve: Serve) -> None:
    script = "def init():\n    while True: pass\ndef run(d): pass\n"
    server = serve(script, healthy=False, init_seconds=0.3)
    status = server.wait("Failed")
    assert "longer than 0.3 s" in status["reason"]
    assert status["evidence"]["stage"] == "init"


def test_health_tells_the_phase_before_init_is_over(serve: Serve) -> None:
    server = serve(
        "import os, time\n"
        "def init():\n    while not os.path.exists('go'): time.sleep(0.01)\n"
        "def run(d): return 1\n",
        healthy=False,
    )
    server.wait("Transitioning", phase="init")
    health = server.get("/")
    assert (health.status_code, health.json()["phase"]) == (503, "init")
    assert server.get("/livez").status_code == 200
    assert server.get("/healthz").status_code == 503
    (server.root / "go").write_text("", encoding="utf-8")
    server.wait("Healthy")
    assert server.get("/healthz").status_code == 200


def test_an_interpreter_that_is_not_there_is_failed(serve: Serve) -> None:
    server = serve(healthy=False, interpreter="/nowhere/python")
    assert "/nowhere/python" in server.wait("Failed")["reason"]


def test_the_queue_has_a_wait_limit_and_a_length(serve: Serve) -> None:
    server = serve(OBEY, queue_wait_ms=300, queue_length=1)
    running = background(lambda: server.score(3.0))
    until(lambda: busy(server), "the request's start")
    waiting = background(lambda: server.score("waits"))
    until(lambda: "scoring_queue_depth 1" in server.get("/metrics").text, "the queue")
    full = server.score("too many")
    assert (full.status_code, full.headers["retry-after"]) == (503, "1")
    waited = waiting.result(DEADLINE)
    assert waited.status_code == 503
    assert "300 ms" in waited.json()["message"]
    assert running.result(DEADLINE).status_code == 200
    page = server.get("/metrics").text
    assert 'scoring_rejected_total{reason="queue-full"} 1' in page
    assert 'scoring_rejected_total{reason="queue-wait"} 1' in page
    assert 'http_server_requests_total{route="/score",status="503"} 2' in page


def test_a_body_beyond_the_limit_is_413(serve: Serve) -> None:
    server = serve(body_bytes=1000)
    assert server.score(b"1" * 1000).status_code == 200
    assert server.score(b"1" * 1001).status_code == 413
    chunked = httpx.post(f"{server.url}/score", content=iter([b"1" * 600, b"1" * 600]))
    assert chunked.status_code == 413


def test_large_bodies_pass_in_both_directions(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return data\n")
    text = "x" * 5_000_000
    assert server.score(text.encode()).json() == text


def test_concurrency_is_the_limit_over_all_workers(serve: Serve) -> None:
    server = serve(OBEY, workers=2, concurrency=2, queue_wait_ms=20_000)
    server.wait("Healthy", ready=2)
    calls = [background(lambda: server.score(0.5)) for _ in range(4)]
    answers = [call.result(DEADLINE) for call in calls]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()[1] for answer in answers}) == 2
