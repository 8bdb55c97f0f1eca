"""Servers that end with their test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.scoring_server import Server

ECHO = """
import json
def init():
    print("init ran")
def run(data):
    return json.loads(data)
"""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server over a script; it is Healthy unless `healthy=False`."""
    servers: list[Server] = []

    def make(script: str | None = ECHO, *, healthy: bool = True, **settings: Any) -> Server:
        server = Server(tmp_path / str(len(servers)), script, **settings)
        servers.append(server)
        server.start()
        if healthy:
            server.wait("Healthy")
        return server

    yield make
    for server in servers:
        server.close()
