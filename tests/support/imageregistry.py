"""A private image registry on loopback that asks for a name and a password."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER, PASSWORD = "harbourmaster", "gangway-42"
_HASH = "$2b$04$FqRZcEOxrRYR7sL9Tcv/N.1sbac9m.8/72CUpxlZ54wXO1z6.hCkW"
"""bcrypt of the password."""
_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: harbour, path: {passwords}}}}}
"""


def needs_registry() -> pytest.MarkDecorator:
    """Skips without Docker's registry program; where `CI` is set, the tests run and fail."""
    absent = shutil.which("docker-registry") is None and not os.environ.get("CI")
    return pytest.mark.skipif(absent, reason="docker-registry is not installed")


@contextmanager
def private_registry(folder: Path) -> Iterator[str]:
    """Its address, `127.0.0.1:port`; it ends with the context."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    passwords = folder / "htpasswd"
    passwords.write_text(f"{USER}:{_HASH}\n")
    config = folder / "registry.yml"
    config.write_text(_CONFIG.format(root=folder / "blobs", port=port, passwords=passwords))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(["docker-registry", "serve", config], stdout=quiet, stderr=quiet)
    try:
        _listening(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _listening(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the registry does not listen")
