"""The old server's answers where ours differ on purpose, for who asks for them."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.scoring_server import Server, until

Serve = Callable[..., Server]

SCRIPT = """
import json, os, sys, time, types
def init():
    if os.path.exists("wait"):
        while not os.path.exists("go"):
            time.sleep(0.01)
def run(data):
    if data == "slow": time.sleep(60)
    if data == "abort":
        class NotFound(Exception):
            code, description = 404, "gone"
            def get_response(self): return None
        raise NotFound()
    return len(data)
"""


@pytest.mark.parametrize("how", ["launch", "variable"])
def test_a_timeout_is_500_with_the_same_text(serve: Serve, how: str) -> None:
    settings: dict[str, Any] = (
        {"compatible": True}
        if how == "launch"
        else {"variables": {"PILOTHOUSE_COMPATIBLE": "True"}}
    )
    old = serve(SCRIPT, scoring_timeout_ms=200, **settings)
    answer = old.score(b"slow")
    assert answer.status_code == 500
    assert answer.json() == {"message": "Scoring timeout after 200 ms"}
    assert answer.headers["x-ms-run-function-failed"] == "True"
    ours = serve(SCRIPT, scoring_timeout_ms=200)
    answer = ours.score(b"slow")
    assert answer.status_code == 504
    assert answer.json() == {"message": "Scoring timeout after 200 ms"}


def test_any_body_is_taken_and_every_request_waits_its_turn(serve: Serve) -> None:
    limits: dict[str, Any] = {"body_bytes": 10, "queue_length": 0, "queue_wait_ms": 1}
    server = serve(SCRIPT.replace("60", "0.3"), compatible=True, **limits)
    assert server.score(b"x" * 1000).json() == 1000
    found: list[int] = []

    def call() -> None:
        found.append(server.score(b"slow").status_code)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200, 200, 200]
    ours = serve(SCRIPT, **limits)
    assert ours.score(b"x" * 1000).status_code == 413


def test_a_request_waits_for_a_service_that_still_starts(tmp_path: Path) -> None:
    server = Server(tmp_path / "waiting", SCRIPT, compatible=True)
    (server.root / "wait").touch()
    try:
        server.start()
        server.wait("Transitioning", phase="init")
        answers: list[int] = []
        thread = threading.Thread(target=lambda: answers.append(server.score(b"abc").json()))
        thread.start()
        until(lambda: "scoring_queue_depth 1" in server.get("/metrics").text, "a waiting request")
        (server.root / "go").touch()
        thread.join()
        assert answers == [3]
    finally:
        server.close()


def test_head_and_http_exceptions_are_the_old_ones(serve: Serve) -> None:
    old, ours = serve(SCRIPT, compatible=True), serve(SCRIPT)
    assert httpx.head(f"{old.url}/score").status_code == 405
    assert httpx.head(f"{ours.url}/score").status_code == 200
    assert old.score(b"abort").status_code == 500
    assert ours.score(b"abort").status_code == 404


def test_a_start_that_fails_ends_the_server_with_code_3(serve: Serve) -> None:
    server = serve("def init(): raise ValueError('no model')", healthy=False, compatible=True)
    assert server.process is not None
    assert server.process.wait(30) == 3
    state = (server.folder / "state.json").read_text(encoding="utf-8")
    assert '"state": "Failed"' in state
