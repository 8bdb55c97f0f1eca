"""A shell in a container: `POST /containers/{id}/exec`, then its raw connection."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any

from backends.engines.engine import Engine
from backends.engines.wire import Wire
from backends.errors import Conflict, NotFound, PilothouseError, Unsupported
from backends.targets.drivers.docker.finding import Container, identity, name_of
from backends.targets.drivers.docker.state import judge, serving_at_all
from backends.targets.terminal import ExecRequest, Terminal

if TYPE_CHECKING:
    import docker

_SHELL = ("/bin/sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")
_MARK = "PILOTHOUSE_TERMINAL"
_HANG_UP = (
    'for p in /proc/[0-9]*; do grep -qs "$0" "$p/environ" && kill -HUP "${p#/proc/}"; done; true'
)
"""The engine lets a program run on when its terminal goes away: all that carry the mark end."""
_NO_SUCH_PROGRAM = (126, 127)
_SETTLING_SECONDS = 3.0


class ContainerTerminal(Terminal):
    """The terminal of one exec."""

    def __init__(self, engine: Engine, wire: Wire, exec_id: str, replica: str) -> None:
        self.replica = replica
        self._engine = engine
        self._wire = wire
        self._id = exec_id

    async def read(self) -> bytes:
        """What the program wrote since."""
        return await self._wire.read()

    def write(self, data: bytes) -> None:
        """Keys."""
        self._wire.write(data)

    async def resize(self, columns: int, rows: int) -> None:
        """Pass the size on; a program that has ended needs none."""
        with contextlib.suppress(PilothouseError):  # what it reads tells of a lost engine
            await self._engine.call(
                "resize the terminal",
                lambda client: client.exec_resize(self._id, height=rows, width=columns),
            )

    async def exit_code(self) -> int | None:
        """What the engine says."""
        with contextlib.suppress(PilothouseError):
            async with asyncio.timeout(_SETTLING_SECONDS):
                while True:
                    state = await self._state()
                    if not state.get("Running"):
                        return state.get("ExitCode")
                    await asyncio.sleep(0.05)  # the connection ends a moment before the program
        return None

    async def _state(self) -> dict[str, Any]:
        found: dict[str, Any] = await self._engine.call(
            "look after the program", lambda client: client.exec_inspect(self._id)
        )
        return found


def container_for(known: Sequence[Container], request: ExecRequest, name: str) -> Container:
    """The container that is meant: it runs.

    Raises:
        NotFound: there is no such replica.
        Conflict: it does not run.
    """
    named = [c for c in known if not request.replica or name_of(c) == request.replica]
    if not named:
        there = ", ".join(name_of(container) for container in known)
        raise NotFound(f"Service {name} has no replica {request.replica}.", fix=f"It has {there}.")
    running = next((c for c in named if serving_at_all(c)), None)
    if running is None:
        raise Conflict(
            f"No container of service {name} runs, so nothing can run in it:"
            f" {judge(named[0]).reason}.",
            fix=f"`pilothouse service start -n {name}` starts it; its log says why it ended.",
        )
    return running


@contextlib.asynccontextmanager
async def terminal(
    engine: Engine, container: Container, request: ExecRequest
) -> AsyncGenerator[Terminal, None]:
    """Run the program; it ends with the context.

    Raises:
        Unsupported: the image has no such program.
        Conflict: the container does not run or is paused.
    """
    where, mark = identity(container), secrets.token_hex(8)
    command = request.command or _SHELL
    if not request.command:
        await _refuse_without_shell(engine, container)
    environment = {"TERM": request.terminal, _MARK: mark}

    def make(client: "docker.APIClient") -> str:
        made: dict[str, Any] = client.exec_create(
            where, list(command), stdin=True, tty=True, environment=environment
        )
        return str(made["Id"])

    exec_id = await engine.call("run a program in the container", make)
    body = b'{"Detach": false, "Tty": true}'
    path = f"/exec/{exec_id}/start"
    async with engine.wire("run a program in the container", path, body) as wire:
        opened = ContainerTerminal(engine, wire, exec_id, name_of(container))
        try:
            await opened.resize(request.columns, request.rows)
            yield opened
        finally:
            with contextlib.suppress(PilothouseError, TimeoutError):
                async with asyncio.timeout(_SETTLING_SECONDS):
                    await _hang_up(engine, where, exec_id, mark)


async def _hang_up(engine: Engine, container: str, exec_id: str, mark: str) -> None:
    def ask(client: "docker.APIClient") -> None:
        if client.exec_inspect(exec_id)["Running"]:
            found = client.exec_create(container, ["/bin/sh", "-c", _HANG_UP, f"{_MARK}={mark}"])
            client.exec_start(found["Id"])

    await engine.call("end the program", ask)


async def _refuse_without_shell(engine: Engine, container: Container) -> None:
    def ask(client: "docker.APIClient") -> int:
        made = client.exec_create(identity(container), ["/bin/sh", "-c", ":"])
        client.exec_start(made["Id"])
        return int(client.exec_inspect(made["Id"])["ExitCode"] or 0)

    missing = Unsupported(
        f"The image of {name_of(container)} has no shell (/bin/sh).",
        fix="Name a program that it has: `pilothouse service exec -n NAME -- PROGRAM`.",
    )
    try:
        code = await engine.call("look for a shell", ask)
    except PilothouseError as error:
        if "no such file" in error.what or "not found" in error.what:
            raise missing from error
        raise
    if code in _NO_SUCH_PROGRAM:
        raise missing
