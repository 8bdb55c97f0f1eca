"""A real ssh server on loopback, with keys of its own, and client configurations that reach it."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
_START_SECONDS = 10.0


@dataclass(frozen=True)
class Sshd:
    """Where it is, and how ssh is told to reach it."""

    folder: Path
    port: int

    @property
    def config(self) -> Path:
        """A client configuration in which the host `engine` is this server."""
        return self.folder / "ssh_config"

    def configure(self, *, identity: str = "user", known: str = "known_hosts") -> Path:
        """Another client configuration: another key, or other known hosts."""
        path = self.folder / f"ssh_config_{identity}_{known}"
        path.write_text(_client(self.folder, self.port, identity, known))
        return path


def needs_sshd() -> pytest.MarkDecorator:
    """Skips without OpenSSH's server; where `CI` is set, the tests run and fail instead."""
    absent = not Path(_SSHD).exists() and not os.environ.get("CI")
    return pytest.mark.skipif(absent, reason="no sshd is installed")


@contextmanager
def sshd(folder: Path, *, path: str = "") -> Iterator[Sshd]:
    """Runs one until the end; `path` becomes the PATH of what it starts."""
    for name in ("host", "user", "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name]
        subprocess.run(command, check=True, cwd=folder)
    port = _free_port()
    host_key = (folder / "host.pub").read_text().strip()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    (folder / "no_hosts").write_text("")
    (folder / "ssh_config").write_text(_client(folder, port, "user", "known_hosts"))
    (folder / "sshd_config").write_text(_server(folder, port, path))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    log = folder / "sshd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [_SSHD, "-D", "-e", "-f", str(folder / "sshd_config")],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
        try:
            _wait(port, process, log)
            yield Sshd(folder, port)
        finally:
            process.terminate()
            process.wait()


def _server(folder: Path, port: int, path: str) -> str:
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder}/host",
        f"AuthorizedKeysFile {folder}/user.pub",
        f"PidFile {folder}/sshd.pid",
        "StrictModes no",
        "UsePAM no",
        "PermitRootLogin yes",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
    ]
    return "\n".join([*lines, f"SetEnv PATH={path}"] if path else lines) + "\n"


def _client(folder: Path, port: int, identity: str, known: str) -> str:
    return f"""\
Host engine
  HostName 127.0.0.1
  Port {port}
  User {getpass.getuser()}
  IdentityFile {folder}/{identity}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/{known}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.02)
    raise AssertionError(f"sshd did not start: {log.read_text()}")
