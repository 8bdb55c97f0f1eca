"""Health tells the truth: phases, pages, crashes with their evidence, and who ends first."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.scoring_server import DEADLINE, Server, until

Serve = Callable[..., Server]
LONG = pytest.mark.skipif("PILOTHOUSE_FULL" not in os.environ, reason="takes half a minute")

STEPS = """
import os, time
def until(name):
    while not os.path.exists(name): time.sleep(0.01)
until("import")
def init(): until("init")
def run(data):
    until("run")
    return 1
"""
DOOMED = """
import os, threading, time
def init():
    print("warm words")
    threading.Thread(target=lambda: (time.sleep(0.02), os._exit(9)), daemon=True).start()
def run(data): return 1
"""


def codes(server: Server) -> dict[str, int]:
    return {path: server.get(path).status_code for path in ("/livez", "/readyz", "/healthz", "/")}


def phase(server: Server) -> str:
    return str(server.get("/livez").json()["phase"])


def test_every_phase_of_a_start_is_told_while_it_lasts(serve: Serve) -> None:
    server = serve(STEPS, healthy=False, sample="{}")
    starting = {"/livez": 200, "/readyz": 503, "/healthz": 503, "/": 503}
    for step, name in (("importing", "import"), ("init", "init"), ("warm-up", "run")):
        server.wait("Transitioning", phase=step)
        assert phase(server) == step
        assert codes(server) == starting
        refused = server.get("/readyz")
        assert refused.headers["retry-after"] == "1"
        assert step in refused.json()["reason"]
        assert server.score({}).status_code == 503
        (server.root / name).touch()
    server.wait("Healthy")
    assert (phase(server), set(codes(server).values())) == ("serving", {200})


def test_a_draining_server_lives_and_is_not_ready(serve: Serve) -> None:
    server = serve(drain_delay=30.0, grace=60.0)
    assert server.process is not None
    server.process.terminate()
    server.wait("Transitioning", phase="draining")
    assert codes(server) == {"/livez": 200, "/readyz": 503, "/healthz": 200, "/": 503}
    assert phase(server) == "draining"
    assert server.score(5).json() == 5
    server.process.terminate()


def test_pages_answer_while_every_worker_spins(serve: Serve) -> None:
    script = "def init(): pass\ndef run(data):\n    while data: pass\n"
    server = serve(script, workers=2, concurrency=2, scoring_timeout_ms=60_000)
    server.wait("Healthy", ready=2)
    with httpx.Client(timeout=httpx.Timeout(30.0, read=0.2)) as client:
        for _ in range(2):
            with pytest.raises(httpx.ReadTimeout):
                client.post(f"{server.url}/score", content=b"spin")
    until(lambda: "scoring_inflight 2" in server.get("/metrics").text, "two stuck workers")
    with httpx.Client(base_url=server.url, timeout=DEADLINE) as client:
        seen = {
            client.get(path).status_code for path in ("/livez", "/readyz", "/healthz", "/") * 10
        }
    assert seen == {200}


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("Unhealthy", "no worker is ready: the worker exited with code 9"),
        pytest.param("Failed", "the worker exited with code 9", marks=LONG),
    ],
)
def test_workers_that_die_without_an_answer_have_their_evidence(
    serve: Serve, end: str, reason: str
) -> None:
    server = serve(DOOMED, healthy=False)
    status = server.wait(end, reason=reason)
    evidence = status["evidence"]
    assert (evidence["exit_code"], evidence["out_of_memory"]) == (9, False)
    assert "warm words" in evidence["last_lines"]
    assert metric(server, "scoring_worker_restarts_total") >= (5 if end == "Failed" else 0)
    assert end == "Unhealthy" or server.get("/livez").status_code == 503


def test_a_crash_in_native_code_has_pythons_place_in_its_evidence(
    serve: Serve, tmp_path: Path
) -> None:
    word = tmp_path / "termination-log"
    word.write_text("x" * 9000, encoding="ascii")
    script = "import ctypes\ndef init(): ctypes.string_at(0)\ndef run(data): return 1\n"
    server = serve(script, healthy=False, termination_log=str(word))
    status = server.wait("Failed")
    assert "SIGSEGV (Segmentation fault)" in status["reason"]
    assert status["evidence"]["traceback"].startswith("Fatal Python error: Segmentation fault")
    assert "score.py" in status["evidence"]["traceback"]
    said = word.read_text(encoding="utf-8")
    assert said.startswith(status["reason"])
    assert "Segmentation fault" in said
    assert len(said) <= 4096


def test_memory_that_python_cannot_get_is_told_as_such(serve: Serve) -> None:
    script = "def init(): bytearray(1 << 60)\ndef run(data): return 1\n"
    status = serve(script, healthy=False).wait("Failed")
    assert status["evidence"]["out_of_memory"] is True
    assert status["reason"].startswith("MemoryError")


def test_the_kernel_would_end_a_worker_before_the_supervisor(serve: Serve) -> None:
    server = serve()
    assert server.process is not None
    worker = score(server.status()["workers"][0])
    assert worker == min(1000, score(server.process.pid) + 300)


def test_a_failed_start_is_stored_and_a_good_one_leaves_no_word(
    serve: Serve, tmp_path: Path
) -> None:
    word = tmp_path / "termination-log"
    word.touch()
    serve(termination_log=str(word))
    assert word.read_bytes() == b""
    failing: Any = serve("raise KeyError('gone')", healthy=False, termination_log=str(word))
    failing.wait("Failed")
    until(lambda: word.read_bytes(), "the last words")
    assert "KeyError: 'gone'" in word.read_text(encoding="utf-8")
    state = failing.folder / "state.json"
    until(lambda: "KeyError: 'gone'" in state.read_text(encoding="utf-8"), "the stored report")


def test_metrics_tell_what_a_start_took_and_what_processes_hold(serve: Serve) -> None:
    server = serve("import time\ndef init(): time.sleep(0.2)\ndef run(data): return 1\n")
    assert 0.2 <= metric(server, "scoring_init_seconds") < 60
    assert metric(server, "process_resident_memory_bytes") > 1e6
    assert metric(server, "scoring_workers_resident_memory_bytes") > 1e6
    assert metric(server, "process_cpu_seconds_total") > 0


def score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii"))


def metric(server: Server, name: str) -> float:
    lines = server.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))
