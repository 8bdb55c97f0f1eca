"""A real scoring server for a test: launch file, process, control socket, log."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from backends.scoring.launch import Launch

DEADLINE = 30.0
ROOT = Path(__file__).resolve().parents[2]


class Server:
    """One supervisor over an app root; every path is below `folder`."""

    def __init__(self, folder: Path, script: str | None, **settings: Any) -> None:
        self.folder = folder
        self.root = folder / "app"
        self.root.mkdir(parents=True, exist_ok=True)
        self.sockets = tempfile.TemporaryDirectory(prefix="ph")
        self.control = Path(self.sockets.name) / "c"
        self.settings = settings
        self._url = ""
        if script is not None:
            self.settings.setdefault("entry_script", "score.py")
            (self.root / "score.py").write_text(script, encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def launch_file(self, name: str = "launch.json", **changes: Any) -> Path:
        """Write a launch file: the server's settings with these changes."""
        settings: dict[str, Any] = {
            "service": "svc",
            "app_root": "app",
            "control_socket": str(self.control),
            "log_file": "log.jsonl",
            "state_file": "state.json",
            "port": 0,
            **self.settings,
            **changes,
        }
        path = self.folder / name
        Launch(**settings).save(path)
        return path

    def start(self) -> "Server":
        """Start the supervisor; it listens when its state file is there."""
        (self.folder / "state.json").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backends.scoring", "--launch", str(self.launch_file())],
            cwd=ROOT,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        until(lambda: self.control.exists() or self.process_ended(), "the control socket")
        return self

    def process_ended(self) -> bool:
        """The supervisor is gone."""
        assert self.process is not None
        return self.process.poll() is not None

    @property
    def url(self) -> str:
        """Base address."""
        if not self._url:
            self._url = str(self.status()["url"])
        return self._url

    def status(self) -> dict[str, Any]:
        """What the control socket says now."""
        with self.watching() as lines:
            found: dict[str, Any] = json.loads(next(lines))
            return found

    @contextlib.contextmanager
    def watching(self) -> Iterator[Iterator[bytes]]:
        """Status lines until the block ends."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(str(self.control))
            client.sendall(b'{"op": "watch"}\n')
            with client.makefile("rb") as file:
                yield iter(file)

    def wait(self, state: str, **fields: Any) -> dict[str, Any]:
        """Follow the status until it has this state and these fields."""
        seen: dict[str, Any] = {}
        with self.watching() as lines:
            for line in lines:
                seen = json.loads(line)
                if seen["state"] == state and all(seen[k] == v for k, v in fields.items()):
                    return seen
        raise AssertionError(f"it ended in {seen}")

    def ask(self, **request: Any) -> dict[str, Any]:
        """One command over the control socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(str(self.control))
            client.sendall(json.dumps(request).encode() + b"\n")
            with client.makefile("rb") as file:
                found: dict[str, Any] = json.loads(file.readline())
                return found

    def score(self, body: Any = None, **options: Any) -> httpx.Response:
        """POST to /score; a body that is no bytes goes as JSON."""
        if body is not None and not isinstance(body, bytes):
            options["json"] = body
        elif body is not None:
            options["content"] = body
        return httpx.post(f"{self.url}/score", timeout=DEADLINE, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET a path."""
        return httpx.get(f"{self.url}{path}", timeout=DEADLINE, **options)

    def log(self) -> list[dict[str, Any]]:
        """Every whole line of the present log file; none in the moment of its rotation."""
        try:
            text = (self.folder / "log.jsonl").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def logged(self, text: str) -> dict[str, Any]:
        """The first log line that contains a text, waited for."""

        def find() -> dict[str, Any] | None:
            return next((line for line in self.log() if text in line["text"]), None)

        until(find, f"a log line with {text!r}")
        found = find()
        assert found is not None
        return found

    def family(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        assert self.process is not None
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> int:
        """End it in order; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(DEADLINE)
            if self.process.stderr is not None:
                self.process.stderr.close()
        self.sockets.cleanup()


def until(holds: Any, what: str, seconds: float = DEADLINE) -> None:
    """Look again until `holds()` is true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)
