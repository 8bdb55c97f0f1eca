"""What a service of this machine runs from: its folder, its files and the lock on both.

services/<name>/        one folder a service; gone with it
    service.json        the spec, as the last `apply` gave it
    keys.json           both keys, mode 0600
    address.json        host and port, kept for the service's life
    supervisor.json     the process: pid, identity, control socket
    exit.json           how the last process ended, when the console that started it saw it
    stopped             there while the service is stopped on purpose
    state.json          the last status, written by the scoring server
    revisions/<n>/launch.json
    logs/service.log    and service.log.1; server.out is what the server says before it logs
    modeldata/          inputs and predictions, where the service collects them
services/.<name>.lock   held by whoever changes the service
"""

import asyncio
import contextlib
import fcntl
import glob
import hashlib
import json
import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, to_builtins

from backends import paths
from backends.errors import Conflict, IntegrityError, InvalidInput
from backends.targets.records import Keys, ServiceSpec
from backends.targets.specs import spec_from_json, spec_to_json

_LOCK_SECONDS = 90.0
_Record = TypeVar("_Record", "Address", "Process", "Exit")


class Address(Struct, frozen=True):
    """Where a service listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """How it is reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class Process(Struct, frozen=True):
    """A supervisor that was started."""

    pid: int
    identity: str
    """Tells it from a later process of the same number."""
    socket: str
    started: float
    """Seconds since the epoch."""
    log_before: str
    """Boot of the newest log line when it was started; empty when there was none."""


class Exit(Struct, frozen=True):
    """How a supervisor ended."""

    pid: int
    code: int
    """Negative: the signal."""


class RunDir:
    """The folder of one service.

    Raises:
        InvalidInput: the name would not stay inside the services folder.
    """

    def __init__(self, workspace: str, name: str) -> None:
        for part in (workspace, name):
            if not part or part.startswith(".") or "/" in part or "\0" in part:
                raise InvalidInput(
                    f"'{part}' cannot be the name of a service or workspace.",
                    fix="Use letters, digits, `-` and `_`.",
                )
        self.workspace, self.name = workspace, name
        self.home = paths.home()
        self.root = services_dir(workspace) / name
        self.state_file = self.root / "state.json"
        self.keys_file = self.root / "keys.json"
        self.stopped_file = self.root / "stopped"
        self.log_file = self.root / "logs" / "service.log"
        self.data_dir = self.root / "modeldata"
        self.output_file = self.root / "logs" / "server.out"
        self._lock_file = self.root.with_name(f".{name}.lock")

    def exists(self) -> bool:
        """The service was applied and not deleted."""
        return (self.root / "service.json").exists()

    @property
    def socket(self) -> Path:
        """A control socket's name that is short enough wherever the folder lies."""
        return (
            paths.runtime_dir() / f"{hashlib.sha256(str(self.root).encode()).hexdigest()[:24]}.sock"
        )

    def launch_file(self, revision: int) -> Path:
        """The launch file of one revision."""
        return self.root / "revisions" / str(revision) / "launch.json"

    def spec(self) -> ServiceSpec | None:
        """The spec that was applied last; None when there is none that can be read."""
        with contextlib.suppress(IntegrityError, OSError, UnicodeDecodeError):
            return spec_from_json((self.root / "service.json").read_bytes())
        return None

    def save_spec(self, spec: ServiceSpec) -> None:
        """Keep the spec."""
        paths.write_atomic(self.root / "service.json", spec_to_json(spec).encode())

    def keys(self) -> Keys | None:
        """Both keys, when the service has some."""
        data = _object(self.keys_file)
        primary, secondary = data.get("primary"), data.get("secondary")
        return Keys(str(primary), str(secondary)) if primary and secondary else None

    def save_keys(self, keys: Keys) -> None:
        """Replace the keys; the server reads the file again by itself."""
        data = {"primary": keys.primary, "secondary": keys.secondary}
        paths.write_atomic(self.keys_file, json.dumps(data).encode(), mode=0o600)

    @property
    def address(self) -> Address | None:
        """Where the service listens, or will again."""
        return self._load(Address)

    @property
    def process(self) -> Process | None:
        """The supervisor that was started last; it may be gone."""
        return self._load(Process)

    @property
    def exit(self) -> Exit | None:
        """How the last supervisor ended, when that was seen."""
        return self._load(Exit)

    def save(self, record: "Address | Process | Exit") -> None:
        """Keep one of these records."""
        path = self.root / _FILES[type(record)]
        paths.write_atomic(path, json.dumps(to_builtins(record)).encode())

    @property
    def serving(self) -> int | None:
        """The revision that the scoring server said last to be serving."""
        found = _object(self.state_file).get("serving")
        return found if isinstance(found, int) else None

    @property
    def stopped_at(self) -> int | None:
        """The revision that served when the service was stopped on purpose."""
        text = _text(self.stopped_file)
        return int(text) if text.isdigit() else None

    def mark_stopped(self) -> None:
        """Note that the service is stopped on purpose, and what it served."""
        if self.root.exists() and not self.stopped_file.exists():
            self.stopped_file.write_text(str(self.serving or ""), encoding="ascii")

    @contextlib.asynccontextmanager
    async def locked(self) -> AsyncGenerator[None, None]:
        """Hold the service: nobody else changes it meanwhile.

        Raises:
            Conflict: someone else held it for too long.
        """
        self.root.parent.mkdir(parents=True, exist_ok=True)
        handle = await self._acquire()
        try:
            yield
        finally:
            if not self.root.exists():
                self._lock_file.unlink(missing_ok=True)
            os.close(handle)

    def being_changed(self) -> bool:
        """Someone holds the lock now."""
        try:
            handle = os.open(self._lock_file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def remove(self) -> None:
        """Delete the folder; at no moment half a service is found by its name."""
        doomed = self.root.with_name(f".{self.name}.deleted-{os.urandom(4).hex()}")
        with contextlib.suppress(FileNotFoundError):
            self.root.rename(doomed)
        for left in self.root.parent.glob(f".{glob.escape(self.name)}.deleted-*"):
            shutil.rmtree(left, ignore_errors=True)
        self.socket.unlink(missing_ok=True)

    def _load(self, record: type[_Record]) -> _Record | None:
        try:
            return record(**_object(self.root / _FILES[record]))
        except TypeError:
            return None

    async def _acquire(self) -> int:
        try:
            async with asyncio.timeout(_LOCK_SECONDS):
                while True:
                    if (handle := self._try_lock()) is not None:
                        return handle
                    await asyncio.sleep(0.02)  # another process holds it: nothing to wait on
        except TimeoutError:
            raise Conflict(
                f"Another console is changing service {self.name} and does not end.",
                fix="Try again when it is done.",
            ) from None

    def _try_lock(self) -> int | None:
        handle = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_ino == self._lock_file.stat().st_ino:
                return handle
        except (BlockingIOError, FileNotFoundError):
            pass  # held, or deleted by the one who held it
        os.close(handle)
        return None


_FILES = {Address: "address.json", Process: "supervisor.json", Exit: "exit.json"}


def services_dir(workspace: str) -> Path:
    """The folder of a workspace's services."""
    return paths.home() / "workspaces" / workspace / "services"


def rundirs(workspace: str) -> tuple[RunDir, ...]:
    """All services of a workspace that have a folder, by name."""
    try:
        names = sorted(entry.name for entry in services_dir(workspace).iterdir())
    except FileNotFoundError:
        return ()
    found = (RunDir(workspace, name) for name in names if not name.startswith("."))
    return tuple(place for place in found if place.exists())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _object(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
