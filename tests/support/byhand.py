"""A server started with flags and variables, as a person does."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.support.scoring_server import DEADLINE, ROOT, until


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ByHand:
    """`python -m backends.scoring` with flags, in a folder; its log goes to a file."""

    def __init__(
        self, folder: Path, *flags: str, port: int | None = None, **variables: str
    ) -> None:
        self.port = port or free_port()
        self._out = folder / f"out-{self.port}.log"
        environ = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "backends.scoring", "--port", str(self.port), *flags],
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> "ByHand":
        """Wait until it serves."""
        until(lambda: self._ready() or self.process.poll() is not None, "a ready server")
        assert self.process.poll() is None, self.output()
        return self

    def _ready(self) -> bool:
        try:
            return httpx.get(self.url).text == "Healthy"
        except httpx.TransportError:
            return False

    def score(self, body: Any = "", **options: Any) -> Any:
        """What /score answers."""
        return httpx.post(f"{self.url}/score", content=json.dumps(body), **options).json()

    def output(self) -> str:
        """Everything it has written."""
        return self._out.read_text(encoding="utf-8", errors="replace")

    def exit_code(self) -> int:
        """Its exit code, waited for."""
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(DEADLINE)
