"""A second, private Docker engine of this machine, which a test may kill."""

import contextlib
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker

_START_SECONDS = 60.0
_PROGRAMS = ("/bin/sh", "/bin/sleep")


class Dockerd:
    """The engine; its containers have no network."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = folder / "docker.sock"
        self.url = f"unix://{self.socket}"

    @staticmethod
    def missing() -> str:
        """Why none can be started here; empty when one can."""
        if os.geteuid() != 0:
            return "only root can start a Docker engine"
        return "" if shutil.which("dockerd") else "dockerd is not installed"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        (self._folder / "docker.pid").unlink(missing_ok=True)
        for left in (self._folder / "exec" / "containerd").glob("containerd*"):
            if left.suffix != ".toml" and not left.is_dir():
                left.unlink()  # of a containerd that died with the engine
        options = {
            "host": self.url,
            "data-root": self._folder / "data",
            "exec-root": self._folder / "exec",
            "pidfile": self._folder / "docker.pid",
            "bridge": self._bridge(),
            "iptables": "false",
            "ip-masq": "false",
            "ip-forward": "false",
        }
        with (self._folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", *(f"--{name}={value}" for name, value in options.items())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise AssertionError((self._folder / "dockerd.log").read_text()[-3000:])
            time.sleep(0.05)

    def _bridge(self) -> str:
        """A bridge of its own: told to have none, it would take away the machine's engine's."""
        name = f"ph{os.getpid()}"
        if not Path("/sys/class/net", name).exists():
            subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
            subprocess.run(["ip", "addr", "add", "172.29.0.1/24", "dev", name], check=True)
            subprocess.run(["ip", "link", "set", name, "up"], check=True)
        return name

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would; what it runs is left as it is."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it and everything that it started, by the folder that is in their command lines."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        for pid in _processes_of(self._folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _unmount_below(self._folder)
        subprocess.run(["ip", "link", "del", f"ph{os.getpid()}"], check=False, capture_output=True)

    def import_shell(self, tag: str) -> None:
        """Make an image that holds a shell and `sleep`."""
        with self.client() as engine:
            engine.import_image_from_data(_shell_image(), repository=tag, tag="latest")

    @contextlib.contextmanager
    def client(self) -> Iterator[docker.APIClient]:
        """Its API."""
        found = docker.APIClient(base_url=self.url, version="1.41", timeout=60)
        try:
            yield found
        finally:
            found.close()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in connection.recv(100)
            except OSError:
                return False


@contextlib.contextmanager
def dockerd() -> Iterator[Dockerd]:
    """A running engine; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ph-engine-", dir="/var/tmp"))
    engine = Dockerd(folder)
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _shell_image() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for program in _PROGRAMS:
            archive.add(Path(program).resolve(), program)
        for library in sorted({path for program in _PROGRAMS for path in _libraries(program)}):
            archive.add(Path(library).resolve(), library)
    return buffer.getvalue()


def _libraries(program: str) -> list[str]:
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+)", said)


def _processes_of(folder: Path) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                yield int(entry.name)


def _unmount_below(folder: Path) -> None:
    mounts = [line.split(" ")[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if mount.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", mount], check=False)
