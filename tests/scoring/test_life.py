"""Start, keys, hot swap, drain and end of a server; nothing is left behind."""

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.byhand import free_port
from tests.support.scoring_server import DEADLINE, ROOT, Server, until

Serve = Callable[..., Server]
SWAPS = int(os.environ.get("PILOTHOUSE_SWAPS", "30"))
DRAINS = int(os.environ.get("PILOTHOUSE_DRAINS", "5"))
SLOW = "import time\ndef init(): pass\ndef run(d):\n    time.sleep(float(d))\n    return 'done'\n"


def numbered(number: int) -> str:
    return f"def init(): pass\ndef run(data): return {number}\n"


@contextmanager
def load(url: str, clients: int = 4) -> Iterator[list[httpx.Response | httpx.HTTPError]]:
    """Clients that post without a pause until the block ends."""
    seen: list[httpx.Response | httpx.HTTPError] = []
    over = threading.Event()

    def client() -> None:
        with httpx.Client(timeout=DEADLINE) as session:
            while not over.is_set():
                try:
                    answer = session.post(f"{url}/score", json={})
                except httpx.HTTPError as error:
                    seen.append(error)
                    continue
                seen.append(answer)
                if answer.headers.get("connection") == "close":
                    return

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(client) for _ in range(clients)]
        try:
            yield seen
        finally:
            over.set()
        for future in futures:
            future.result(DEADLINE)


def failed(seen: list[httpx.Response | httpx.HTTPError]) -> list[object]:
    return [a for a in seen if not isinstance(a, httpx.Response) or a.status_code != 200]


def test_either_key_opens_and_a_changed_file_counts_at_once(serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"primary": "k1", "secondary": "k2"}), encoding="utf-8")
    server = serve(auth=True, keys_file=str(keys))
    for header in ({"authorization": "Bearer k1"}, {"x-api-key": "k2"}):
        assert server.score({}, headers=header).status_code == 200
    for wrong in ({}, {"authorization": "Bearer no"}, {"authorization": "k1"}, {"x-api-key": ""}):
        refused = server.score({}, headers=wrong)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    assert server.get("/swagger.json").status_code == 401
    assert server.get("/").status_code == 200
    keys.write_text(json.dumps({"primary": "new", "secondary": "k2"}), encoding="utf-8")
    assert server.score({}, headers={"x-api-key": "new"}).status_code == 200
    until(lambda: server.score({}, headers={"x-api-key": "k1"}).status_code == 401, "the old's end")


def test_the_v1_alias_path_works(serve: Serve) -> None:
    server = serve()
    assert httpx.post(f"{server.url}/api/v1/service/svc/score", json=1).json() == 1
    assert server.get("/api/v1/service/svc/swagger.json").json()["swagger"] == "2.0"
    assert server.get("/api/v1/service/svc/").text == "Healthy"
    assert server.get("/api/v1/service/other/score").status_code == 404


def test_swagger_comes_in_each_version_and_from_the_users_files(serve: Serve) -> None:
    server = serve()
    assert server.get("/swagger.json?version=3").json()["openapi"].startswith("3.0")
    assert server.get("/swagger.json?version=3.1").json()["openapi"].startswith("3.1")
    plain = server.get("/swagger.json").json()
    assert plain["definitions"]["ServiceInput"] == {"type": "object", "example": {}}
    assert set(plain["paths"]) == {"/", "/score", "/swagger.json"}
    wrong = server.get("/swagger.json?version=9")
    assert (wrong.status_code, wrong.json()["message"]) == (
        404,
        "Swagger version [9] is not valid. Supported versions: [2, 3, 3.1].",
    )
    (server.root / "swagger3.json").write_text('{"own": true}', encoding="utf-8")
    assert server.get("/swagger.json?version=3.0").json() == {"own": True}


def test_cross_origin_headers_follow_the_variable(serve: Serve) -> None:
    server = serve(variables={"AML_CORS_ORIGINS": "https://a.example, https://b.example"})
    allowed = server.score({}, headers={"origin": "https://b.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://b.example"
    other = server.score({}, headers={"origin": "https://c.example"})
    assert "access-control-allow-origin" not in other.headers
    ask = {"origin": "https://a.example", "access-control-request-method": "POST"}
    assert (
        "POST"
        in httpx.options(f"{server.url}/score", headers=ask).headers["access-control-allow-methods"]
    )


@pytest.mark.timeout(120 + SWAPS)
def test_hot_swaps_under_load_lose_nothing(serve: Serve) -> None:
    server = serve(numbered(1), queue_wait_ms=20_000, sample="{}")
    url = server.url
    with load(url) as seen:
        for revision in range(2, SWAPS + 2):
            (server.root / f"score{revision}.py").write_text(numbered(revision), encoding="utf-8")
            path = server.launch_file(
                f"launch{revision}.json", revision=revision, entry_script=f"score{revision}.py"
            )
            assert server.ask(op="swap", launch=str(path)) == {"ok": True}
            server.wait("Healthy", serving=revision)
            assert httpx.post(f"{url}/score", json={}).json() == revision
    assert len(seen) > SWAPS
    assert failed(seen) == []
    assert server.url == url
    until(lambda: len(server.family()) == 2, "the end of the old workers")


def test_a_swap_that_fails_leaves_the_old_revision_serving(serve: Serve) -> None:
    server = serve(numbered(1))
    (server.root / "bad.py").write_text("raise ImportError('broken')", encoding="utf-8")
    path = server.launch_file("bad.json", revision=2, entry_script="bad.py")
    assert server.ask(op="swap", launch=str(path)) == {"ok": True}
    status = server.wait("Unhealthy")
    assert status["reason"] == "revision 2 failed: ImportError: broken; revision 1 still serves"
    assert (status["serving"], status["rolling_out"]) == (1, None)
    assert status["evidence"]["traceback"].endswith("ImportError: broken\n")
    assert server.score({}).json() == 1
    assert server.get("/").status_code == 200
    good = server.launch_file("good.json", revision=3)
    server.ask(op="swap", launch=str(good))
    server.wait("Healthy", serving=3)


def test_a_sample_that_the_new_revision_cannot_score_stops_the_swap(serve: Serve) -> None:
    server = serve(numbered(1))
    (server.root / "bad.py").write_text("def init(): pass\ndef run(d): 1/0\n", encoding="utf-8")
    path = server.launch_file("bad.json", revision=2, entry_script="bad.py", sample="{}")
    server.ask(op="swap", launch=str(path))
    status = server.wait("Unhealthy")
    assert "the sample request was answered with 500" in status["reason"]
    assert status["evidence"]["stage"] == "warm-up"
    assert "ZeroDivisionError: division by zero" in status["evidence"]["last_lines"]


def test_a_failed_service_recovers_by_a_swap(serve: Serve) -> None:
    server = serve("raise ValueError('x')", healthy=False)
    server.wait("Failed")
    (server.root / "good.py").write_text(numbered(2), encoding="utf-8")
    path = server.launch_file("good.json", revision=2, entry_script="good.py")
    server.ask(op="swap", launch=str(path))
    server.wait("Healthy", serving=2)
    assert server.score({}).json() == 2


def test_the_number_of_workers_can_be_changed(serve: Serve) -> None:
    server = serve()
    assert server.ask(op="workers", count=3) == {"ok": True}
    assert len(server.wait("Healthy", ready=3)["workers"]) == 3
    server.ask(op="workers", count=1)
    until(lambda: len(server.family()) == 2, "the end of two workers")
    assert server.score(5).json() == 5


def test_sigterm_finishes_what_is_in_flight(serve: Serve) -> None:
    server = serve(SLOW)
    url = server.url
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, f"{url}/score", content=b"1.0")
        until(lambda: "scoring_inflight 1" in server.get("/metrics").text, "the request's start")
        assert server.stop() == 0
        assert answer.result(DEADLINE).json() == "done"
    state = json.loads((server.folder / "state.json").read_text(encoding="utf-8"))
    assert state["state"] == "Stopped"
    assert not server.control.exists()


@pytest.mark.timeout(120 + 5 * DRAINS)
def test_sigterm_under_load_fails_no_request_while_it_still_accepts(serve: Serve) -> None:
    for _ in range(DRAINS):
        server = serve(numbered(1), queue_wait_ms=20_000, drain_delay=1.0)
        assert server.process is not None
        with load(server.url) as seen:
            until(lambda seen=seen: len(seen) > 20, "the load")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(DEADLINE) == 0
        assert failed(seen) == []


def test_stop_over_the_control_socket_ends_within_its_grace(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(d):\n    while True: pass\n")
    url = server.url
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, f"{url}/score", content=b"", timeout=DEADLINE)
        until(lambda: "scoring_inflight 1" in server.get("/metrics").text, "the request's start")
        family = server.family()
        assert server.ask(op="stop", grace=0.2) == {"ok": True}
        assert server.process is not None
        assert server.process.wait(DEADLINE) == 0
        assert answer.exception(DEADLINE) is not None or answer.result().status_code >= 500
    assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_a_second_signal_ends_it_at_once(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(d):\n    while True: pass\n")
    url = server.url
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, f"{url}/score", content=b"", timeout=DEADLINE)
        until(lambda: "scoring_inflight 1" in server.get("/metrics").text, "the request's start")
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        server.wait("Transitioning", phase="draining")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(DEADLINE) == 0
        assert answer.exception(DEADLINE) is not None or answer.result().status_code == 502


def test_nothing_runs_on_after_the_supervisor_is_killed(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(d):\n    while True: pass\n", workers=2)
    url = server.url
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(httpx.post, f"{url}/score", content=b"")
        until(lambda: "scoring_inflight 1" in server.get("/metrics").text, "the request's start")
        family = server.family()
        assert len(family) == 3
        family[0].kill()
        assert server.process is not None
        server.process.wait(DEADLINE)
        gone, alive = psutil.wait_procs(family, DEADLINE)
        assert len(gone) == 3
        assert alive == []
        assert call.exception(DEADLINE) is not None


def test_children_of_a_killed_worker_end_with_it(serve: Serve) -> None:
    server = serve(
        "import subprocess, sys\n"
        "def init():\n"
        "    global child\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "def run(d): return child.pid\n"
    )
    child = psutil.Process(server.score({}).json())
    os.kill(server.status()["workers"][0], signal.SIGKILL)
    psutil.wait_procs([child], DEADLINE)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_taken_port_is_a_clear_error(serve: Serve, tmp_path: Path) -> None:
    port = int(serve().url.rpartition(":")[2])
    second = Server(tmp_path / "second", "def init(): pass\ndef run(d): pass\n", port=port)
    second.start()
    assert second.process is not None
    assert second.process.wait(DEADLINE) == 3
    assert second.process.stderr is not None
    assert f"127.0.0.1:{port}" in second.process.stderr.read().decode()
    state = json.loads((second.folder / "state.json").read_text(encoding="utf-8"))
    assert (state["state"], state["evidence"]["exit_code"]) == ("Failed", 3)
    second.close()


def test_by_hand_it_takes_azmlinfsrvs_flags(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(numbered(4), encoding="utf-8")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "backends.scoring",
            "--entry_script",
            "score.py",
            "--port",
            str(free_port()),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            text = json.loads(line)["text"]
            if text.startswith("listening on "):
                url = text.removeprefix("listening on ")
            if text.startswith("Healthy"):
                break
        assert httpx.post(f"{url}/score").json() == 4
    finally:
        process.terminate()
        process.communicate()
    assert process.returncode == 0


def test_on_a_terminal_lines_are_text_without_control_characters(tmp_path: Path) -> None:
    script = "def init(): print('\\x1b[31mred')\ndef run(d): pass\n"
    (tmp_path / "score.py").write_text(script, encoding="utf-8")
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "backends.scoring",
            "--entry-script",
            "score.py",
            "--port",
            str(free_port()),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=theirs,
    )
    os.close(theirs)
    seen = b""
    while b"Healthy" not in seen or b"red" not in seen:
        seen += os.read(ours, 65536)
    port = int(seen.split(b"listening on http://127.0.0.1:")[1].split()[0])
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as client:
        client.sendall(b"GET /score HTTP/1.1\r\nHost: x\r\nx-request-id: \x9b32mgreen\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
    while b"green" not in seen:
        seen += os.read(ours, 65536)
    process.terminate()
    assert process.wait(DEADLINE) == 0
    os.close(ours)
    assert b"\x1b" not in seen
    assert "\x9b" not in seen.decode()
    assert "INFO     worker 1  \N{REPLACEMENT CHARACTER}[31mred" in seen.decode()


def test_without_uvloop_it_serves_and_ends_clean(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(numbered(4), encoding="utf-8")
    code = (
        "import sys; sys.modules['uvloop'] = None\n"
        "from backends.scoring.__main__ import main; main()"
    )
    words = [sys.executable, "-X", "dev", "-W", "error", "-c", code, "--entry-script", "score.py"]
    process = subprocess.Popen(
        [*words, "--port", str(free_port())],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    texts = (json.loads(line)["text"] for line in process.stdout)
    url = next(text for text in texts if text.startswith("listening on ")).split()[-1]
    assert next(text for text in texts if text.startswith("Healthy"))
    assert httpx.post(f"{url}/score").json() == 4
    process.terminate()
    _, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize("flag", ["--port=x", "--nonsense"])
def test_wrong_flags_are_a_usage_error(flag: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backends.scoring", flag], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 2
