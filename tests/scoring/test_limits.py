"""What the machine does not give: open files, an interpreter, a second worker."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.scoring_server import DEADLINE, ROOT, Server, until

Serve = Callable[..., Server]
FILES = 128
COUNT = 400

WHO = "import os\ndef init(): pass\ndef run(data): return os.getpid()\n"


@pytest.fixture
def limited(tmp_path: Path) -> Server:
    """A server that may have 128 files open, and cannot raise that."""
    server = Server(tmp_path, WHO, queue_wait_ms=20_000)
    command = ["prlimit", f"--nofile={FILES}:{FILES}", sys.executable, "-m", "backends.scoring"]
    server.process = subprocess.Popen(
        [*command, "--launch", str(server.launch_file())],
        cwd=ROOT,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until(server.control.exists, "the control socket")
    return server


def test_idle_connections_without_number_give_way_and_workers_are_still_replaced(
    limited: Server,
) -> None:
    server = limited
    host, port = server.url.removeprefix("http://").split(":")
    with ExitStack() as held:
        held.callback(server.close)
        (worker,) = server.wait("Healthy")["workers"]
        for _ in range(COUNT):
            client = socket.create_connection((host, int(port)), DEADLINE)
            held.callback(client.close)
        os.kill(worker, signal.SIGKILL)
        until(lambda: server.status()["workers"] not in ([worker], []), "another worker")
        server.wait("Healthy")
        assert server.get("/").text == "Healthy"
        assert server.score(b"").json() != worker
        assert server.process is not None
        assert len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) < FILES


def test_a_worker_that_cannot_be_started_for_a_while_comes_back(
    serve: Serve, tmp_path: Path
) -> None:
    interpreter = tmp_path / "python"
    interpreter.symlink_to(sys.executable)
    server = serve(WHO, interpreter=str(interpreter))
    interpreter.unlink()
    os.kill(server.status()["workers"][0], signal.SIGKILL)
    status = server.wait("Unhealthy", workers=[])
    until(lambda: "cannot be started" in server.status()["reason"], "the reason")
    assert status["serving"] is None
    assert server.get("/livez").status_code == 200
    interpreter.symlink_to(sys.executable)
    server.wait("Healthy", ready=1)


def test_workers_that_cannot_come_back_leave_the_others_serving(serve: Serve) -> None:
    script = "import os\ndef init(): assert not os.path.exists('full')\ndef run(data): return 1\n"
    server = serve(script, workers=2, concurrency=2)
    server.wait("Healthy", ready=2)
    (server.root / "full").touch()
    os.kill(server.status()["workers"][0], signal.SIGKILL)

    def tried_often() -> bool:
        return sum("ended in init" in line["text"] for line in server.log()) >= 5

    until(tried_often, "five starts that fail")
    status = server.status()
    assert (status["state"], status["ready"], status["wanted"]) == ("Healthy", 1, 2)
    assert "AssertionError" in status["reason"]
    assert server.score(b"").status_code == 200
    assert server.get("/livez").status_code == 200
    (server.root / "full").unlink()
    server.wait("Healthy", ready=2)


@pytest.mark.timeout(240)
@pytest.mark.skipif("PILOTHOUSE_SLOW" not in os.environ, reason="PILOTHOUSE_SLOW=1 takes minutes")
def test_who_sends_a_head_drop_by_drop_is_cut_off_and_who_uploads_slowly_is_not(
    serve: Serve,
) -> None:
    server = serve("def init(): pass\ndef run(data): return len(data)\n")
    host, port = server.url.removeprefix("http://").split(":")
    began = time.monotonic()
    with (
        socket.create_connection((host, int(port)), DEADLINE) as head,
        socket.create_connection((host, int(port)), DEADLINE) as body,
    ):
        body.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        head.sendall(b"GET / HTTP/1.1\r\n")
        sent = 0
        while not select.select([head], [], [], 2.0)[0]:
            assert time.monotonic() - began < 120
            head.sendall(b"a: b\r\n")
            sent += body.send(b"x")
        assert head.recv(65536) == b""
        body.sendall(b"x" * (100 - sent))
        assert body.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
