"""The supervisor's life: bind, spawn, listen, serve, drain."""

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.scoring.launch import Launch

from .logs import Log
from .spawn import Spawned, spawn

if TYPE_CHECKING:
    from .tls import Renewing

CANNOT_START = 3
"""Exit code when the port is taken or the launch cannot be run; azureml-inference-server-http's."""


def run(launch: Launch, folder: Path, notes: Sequence[str] = ()) -> int:
    """Serve until told to stop; returns the exit code.

    Args:
        launch: What to run.
        folder: What its relative paths start from.
        notes: What the starter should read in the log.
    """
    if launch.control_socket and _runs_already(folder / launch.control_socket):
        return CANNOT_START
    boot = os.urandom(6).hex()
    app_root = (folder / launch.app_root).resolve()
    listeners: list[socket.socket] = []
    for port in (launch.port, launch.health_port):
        if port is None:
            continue
        try:
            listeners.append(bind(launch.host, port))
        except OSError as error:
            reason = f"{launch.host}:{port} cannot be used: {error.strerror}"
            return _refuse(launch, folder, boot, reason)
    try:
        log = Log(folder / launch.log_file if launch.log_file else None, boot, launch.log_bytes)
    except OSError as error:
        reason = f"the log {launch.log_file} cannot be written: {error.strerror}"
        return _refuse(launch, folder, boot, reason)
    try:
        renewing = _renewing(launch, folder, log)
    except OSError as error:
        log.close()
        return _refuse(launch, folder, boot, f"TLS cannot be used: {error}")
    host = f"[{launch.host}]" if ":" in launch.host else launch.host
    url = f"{'https' if renewing else 'http'}://{host}:{listeners[0].getsockname()[1]}"
    log.line(f"listening on {url}")
    for note in notes:
        log.line(note, level="WARNING")
    early = _spawn_first(launch, app_root)
    from .service import Service

    service = Service(launch, app_root, log, url, boot, early)
    from . import life

    return _run_loop(life.serve(service, listeners, folder, renewing))


def _runs_already(path: Path) -> bool:
    """Another supervisor of this service runs; its state and its log are left alone."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(path))
        except OSError:
            return False
    reason = f"the service runs already: {path} answers"
    print(f"pilothouse-serve: {reason}", file=sys.stderr)  # noqa: T201 - the program's own message
    return True


def _renewing(launch: Launch, folder: Path, log: Log) -> "Renewing | None":
    """The certificate to serve with, where the launch names one.

    Raises:
        TlsProblem: It cannot be used; an OSError.
    """
    if not launch.tls_certificate and not launch.tls_key:
        return None
    from . import tls

    pair = tls.pair_of(launch.tls_certificate, launch.tls_key, folder)
    return tls.Renewing(pair, lambda level, text: log.line(text, level=level))


def _spawn_first(launch: Launch, app_root: Path) -> tuple[Spawned, ...]:
    """Let the first worker load while this process still imports its own parts."""
    try:
        return (spawn(launch, app_root),)
    except OSError:
        return ()  # the pool tries again, and says what is wrong


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OSError: The port is taken or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle only on sockets that name their protocol
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _run_loop(main: Coroutine[Any, Any, int]) -> int:
    import asyncio

    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def _refuse(launch: Launch, folder: Path, boot: str, reason: str) -> int:
    """Say why nothing was started, on standard error and in the state file."""
    import time

    from .status import FAILED, Evidence, Status

    print(f"pilothouse-serve: {reason}", file=sys.stderr)  # noqa: T201 - the program's own message
    if launch.state_file:
        status = Status(
            state=FAILED,
            reason=reason,
            at=time.time(),
            serving=None,
            rolling_out=None,
            ready=0,
            wanted=launch.workers,
            phase="",
            boot=boot,
            pid=os.getpid(),
            url="",
            workers=(),
            evidence=Evidence(stage="listen", exit_code=CANNOT_START, event=reason),
        )
        (folder / launch.state_file).write_text(status.to_json(), encoding="utf-8")
    return CANNOT_START
