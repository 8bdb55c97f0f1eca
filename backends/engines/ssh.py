"""An engine behind ssh, as a socket of this machine: each connection to it is one ssh process.

The system's ssh does the work, so known hosts, agent, jump hosts and hardware keys hold. It runs
`docker system dial-stdio` there, with the accepted connection itself as its standard input and
output. It never asks and never sees the terminal: what it writes to standard error becomes the
error. One master connection carries all.
"""

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil

from backends.engines.records import EngineAddress
from backends.engines.roads import Road
from backends.errors import InvalidInput, PilothouseError, Unauthorized, Unavailable

LOOPBACK = "127.0.0.1"
_SOCKET = "engine.sock"
_PREFIX = "ph-ssh-"
_END_SECONDS = 5.0
_KEEP_SECONDS = 60
"""How long an idle master connection stays."""
_LONGEST_FOLDER = 24
"""Bytes of the temporary folder: ours below it takes 25, the name that ssh gives its socket 40, a
random ending of it 17, and a socket's whole path ends at 107."""
_NOT_FOUND, _FAILED = 127, 255
"""Exit codes: of the far shell for a program that is not there, of ssh itself."""

_TEXTS = (
    (
        r"permission denied.*docker|docker.*permission denied|dial unix.*permission denied",
        Unauthorized,
        "Let that user join the group `docker` on {host} (which equals root there).",
    ),
    (
        r"host key verification failed|no .* host key is known|identification has changed",
        Unauthorized,
        "Compare the host's key fingerprint and add it: `ssh {host}` once in a terminal.",
    ),
    (
        r"permission denied|too many authentication failures",
        Unauthorized,
        "Load a key that {host} accepts into the agent (`ssh-add`), or name it in ssh's settings.",
    ),
    (
        r"could not resolve hostname",
        Unavailable,
        "Correct the host name in the target's `url`, or add it to ssh's configuration.",
    ),
    (
        r"connection refused|timed out|no route to host|network is unreachable|connection closed",
        Unavailable,
        "See that {host} runs, and that its ssh port can be reached from here.",
    ),
)
_NOISE = re.compile(
    r"^(\s*$|Warning: Permanently added|debug\d|Authenticated to|ControlSocket|mux_client"
    r"|Pseudo-terminal|@{5,}|\*\*)",
    re.IGNORECASE,
)


class Relay:
    """Gives an ssh engine a private Unix socket, and ports of its machine a port here.

    Args:
        address: Of scheme `ssh`.

    Raises:
        InvalidInput: the address could be mistaken for an option of ssh.
    """

    def __init__(self, address: EngineAddress) -> None:
        self.problem: PilothouseError | None = None
        """Why the newest connection failed; whoever succeeds takes it away."""
        self._address = address
        command(address, Path())
        self._folder: Path | None = None
        self._open = contextlib.AsyncExitStack()
        self._ports: dict[tuple[str, int], int] = {}
        """Ports here that led to an address before: the same again where they are free."""

    async def open(self) -> Path:
        """The engine's socket, made and listened on at the first call."""
        if self._folder is None:
            place = _short_folder()
            _sweep(place)
            prefix = f"{_PREFIX}{os.getpid()}-"
            self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
            line = command(self._address, self._folder)
            listener = _private_listener(self._folder / _SOCKET)
            await self._open.enter_async_context(self._road(listener, line))
        return self._folder / _SOCKET

    @contextlib.asynccontextmanager
    async def tunnel(self, host: str, port: int) -> AsyncGenerator[int, None]:
        """A port of this machine that leads to an address as the engine's machine sees it."""
        await self.open()
        assert self._folder is not None
        listener = _listener(self._ports.get((host, port), 0))
        self._ports[host, port] = int(listener.getsockname()[1])
        line = forward_command(self._address, self._folder, host, port)
        async with self._road(listener, line):
            yield int(listener.getsockname()[1])

    async def aclose(self) -> None:
        """End every ssh process and the master connection; remove the folder."""
        await self._open.aclose()
        if self._folder is not None:
            await _end_master(self._address, self._folder)
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def _road(self, listener: socket.socket, line: list[str]) -> Road:
        assert self._folder is not None
        return Road(listener, line, folder=self._folder, failed=self._failed)

    def _failed(self, code: int, text: str) -> None:
        self.problem = explain(self._address, code, text)


def command(address: EngineAddress, folder: Path) -> list[str]:
    """The ssh command line for one connection to the engine.

    Raises:
        InvalidInput: host or user could be mistaken for an option.
    """
    docker = ["docker", "system", "dial-stdio"]
    path = urlsplit(address.url).path
    if path not in {"", "/"}:
        docker[1:1] = ["--host", f"unix://{unquote(path)}"]
    return [*_ssh(address, folder), *_destination(address), shlex.join(docker)]


def forward_command(address: EngineAddress, folder: Path, host: str, port: int) -> list[str]:
    """The ssh command line for one connection to an address beyond it."""
    return [*_ssh(address, folder), "-W", f"{host}:{port}", *_destination(address)]


def explain(address: EngineAddress, code: int, text: str) -> PilothouseError:
    """Why an ssh process ended: the last line that says something."""
    host = urlsplit(address.url).hostname or ""
    if code < 0:
        return Unavailable(
            f"ssh could not be run on this machine: {text}.", fix="Install OpenSSH's client."
        )
    lines = [line.strip() for line in text.splitlines() if not _NOISE.match(line)]
    said = lines[-1] if lines else f"exit code {code}"
    if code == _NOT_FOUND:
        return Unavailable(
            f"On {host}, `docker` is not on the PATH of a shell without login ({said}).",
            fix="Install the Docker command line there, or put it on that PATH.",
            detail=text,
        )
    for pattern, error, fix in _TEXTS:
        if re.search(pattern, text, re.IGNORECASE):
            return error(
                f"ssh to {host} failed: {said.rstrip('.')}.",
                fix=fix.format(host=host),
                detail=text,
            )
    what = "ssh to" if code == _FAILED else "The Docker engine on"
    return Unavailable(
        f"{what} {host} failed: {said.rstrip('.')}.",
        fix=f"Try `ssh {host} docker version` in a terminal.",
        detail=text,
    )


def _ssh(address: EngineAddress, folder: Path) -> list[str]:
    config = ["-F", str(address.ssh_config)] if address.ssh_config else []
    options = (
        "BatchMode=yes",
        "ConnectTimeout=15",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=3",
        "ControlMaster=auto",
        f"ControlPath={folder}/%C",
        f"ControlPersist={_KEEP_SECONDS}",
    )
    return ["ssh", *config, "-T", *(f"-o{option}" for option in options)]


def _destination(address: EngineAddress) -> list[str]:
    parts = urlsplit(address.url)
    host, user = parts.hostname or "", unquote(parts.username or "")
    if host.startswith("-") or user.startswith("-") or not host:
        raise InvalidInput(
            f"'{address.url}' names no host that ssh could take.", fix="Write ssh://user@host."
        )
    login = ["-l", user] if user else []
    return [*login, *(["-p", str(parts.port)] if parts.port else []), "--", host]


async def _end_master(address: EngineAddress, folder: Path) -> None:
    """Close the master connection, if one is there."""
    with contextlib.suppress(OSError, TimeoutError):
        process = await asyncio.create_subprocess_exec(
            *_ssh(address, folder),
            "-O",
            "exit",
            *_destination(address),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        await asyncio.wait_for(process.wait(), _END_SECONDS)


def _listener(port: int) -> socket.socket:
    """On that port of this machine, or on another where it is taken."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError:
        return socket.create_server((LOOPBACK, 0))


def _private_listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    return listener


def _short_folder() -> Path:
    folder = tempfile.gettempdir()
    return Path(folder if len(os.fsencode(folder)) <= _LONGEST_FOLDER else "/tmp")  # noqa: S108  # a folder of mode 0700 is made in it


def _sweep(place: Path) -> None:
    """Remove what consoles of ours left that were killed."""
    for folder in place.glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            mine = folder.lstat().st_uid == os.getuid()
            if mine and owner.isdecimal() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)
