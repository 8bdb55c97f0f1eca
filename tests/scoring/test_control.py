"""The control socket, and who owns it."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.scoring_server import DEADLINE, ROOT, Server, until

Serve = Callable[..., Server]
ONE = "def init(): pass\ndef run(data): return 1\n"


def test_the_control_socket_refuses_what_it_cannot_do(serve: Serve) -> None:
    server = serve()
    assert server.ask(op="swap", launch="/nowhere.json")["ok"] is False
    assert server.ask(op="dance")["ok"] is False
    assert server.ask(op="workers")["ok"] is False
    assert (server.control.stat().st_mode & 0o777) == 0o600


def test_a_second_start_leaves_the_first_alone(serve: Serve) -> None:
    server = serve(ONE)
    state = server.folder / "state.json"
    until(lambda: state.exists() and b'"Healthy"' in state.read_bytes(), "the stored state")
    before = state.read_bytes()
    again = [sys.executable, "-m", "backends.scoring", "--launch", str(server.launch_file())]
    second = subprocess.run(again, cwd=ROOT, capture_output=True, timeout=DEADLINE, check=False)
    assert second.returncode == 3
    assert "runs already" in second.stderr.decode()
    assert state.read_bytes() == before
    assert server.ask(op="workers", count=1) == {"ok": True}
    assert server.score({}).json() == 1


def test_a_start_after_a_kill_takes_the_place_of_the_dead_one(serve: Serve) -> None:
    server = serve(ONE)
    assert server.process is not None
    assert server.process.stderr is not None
    server.process.kill()
    server.process.wait(DEADLINE)
    server.process.stderr.close()
    server.start()
    until(lambda: server.process_ended() or _answers(server.control), "the control socket")
    server.wait("Healthy")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def test_the_control_socket_outlives_what_it_cannot_read(serve: Serve) -> None:
    server = serve(ONE)
    for ask in (b"", b"\n", b"{", b"[]\n", b"[" * 60_000 + b"\n", b"x" * 200_000, b"\xff\n"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(server.control))
            with contextlib.suppress(OSError):
                client.sendall(ask)
    assert server.ask(op="workers", count=1) == {"ok": True}
    assert server.stop() == 0
    assert server.process is not None
    assert server.process.stderr is not None
    assert server.process.stderr.read() == b""
