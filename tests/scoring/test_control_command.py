"""`pilothouse-control`, by which a driver asks a server whose socket is in a container."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scoring_server import DEADLINE, ROOT, Server

ECHO = "def init():\n    pass\ndef run(data):\n    return data\n"
BROKEN = "def init():\n    raise ValueError('no weights')\ndef run(data):\n    return data\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path, ECHO, port=free_port())
    yield found
    found.close()


def command(server: Server, *words: str) -> list[str]:
    file = str(server.folder / "launch.json")
    return [sys.executable, "-m", "backends.scoring.control", "--launch", file, *words]


def control(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(server, *words),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE,
    )


def test_health_is_the_exit_code(server: Server) -> None:
    server.start().wait("Healthy")
    done = control(server, "health")
    assert done.returncode == 0
    assert json.loads(done.stdout)["state"] == "Healthy"


def test_a_server_that_failed_is_not_healthy(server: Server) -> None:
    (server.root / "score.py").write_text(BROKEN)
    server.start().wait("Failed")
    done = control(server, "health")
    assert done.returncode == 1
    assert "no weights" in done.stdout


def test_a_server_that_is_not_there_is_not_healthy(server: Server) -> None:
    server.launch_file()
    done = control(server, "health")
    assert done.returncode == 1
    assert "refused" in done.stderr


def test_a_watcher_waits_for_the_start_and_ends_with_its_input(server: Server) -> None:
    server.launch_file()
    with subprocess.Popen(
        command(server, "watch"), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as watcher:
        assert watcher.stdin is not None
        assert watcher.stdout is not None
        server.start()
        states = [json.loads(watcher.stdout.readline())["state"]]
        while states[-1] != "Healthy":
            states.append(json.loads(watcher.stdout.readline())["state"])
        assert set(states[:-1]) <= {"Transitioning"}
        watcher.stdin.close()
        assert watcher.wait(DEADLINE) == 0


def test_a_watcher_ends_with_the_server(server: Server) -> None:
    server.start().wait("Healthy")
    with subprocess.Popen(
        command(server, "watch"), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as watcher:
        assert watcher.stdout is not None
        assert json.loads(watcher.stdout.readline())["state"] == "Healthy"
        assert server.ask(op="stop", grace=1)["ok"]
        assert watcher.wait(DEADLINE) == 0


def test_a_request_is_passed_on_and_its_answer_is_the_exit_code(server: Server) -> None:
    server.start().wait("Healthy")
    done = control(server, '{"op": "workers", "count": 2}')
    assert (done.returncode, json.loads(done.stdout)) == (0, {"ok": True})
    server.wait("Healthy", ready=2)
    refused = control(server, '{"op": "nonsense"}')
    assert refused.returncode == 1
    assert "nonsense" in refused.stdout


def test_a_file_takes_the_place_of_another(server: Server) -> None:
    server.launch_file()
    (server.folder / "new").write_text("new")
    (server.folder / "old").write_text("old")
    assert control(server, "move", "new", "old").returncode == 0
    assert (server.folder / "old").read_text() == "new"
    assert not (server.folder / "new").exists()
    absent = control(server, "move", "none", "old")
    assert absent.returncode == 1
    assert "none" in absent.stderr


@pytest.mark.parametrize("words", [(), ("nonsense",), ("{",), ("move", "one"), ("health", "x")])
def test_what_is_not_understood_is_refused(server: Server, words: tuple[str, ...]) -> None:
    server.launch_file()
    done = control(server, *words)
    assert done.returncode in {1, 2}
    assert done.stderr
