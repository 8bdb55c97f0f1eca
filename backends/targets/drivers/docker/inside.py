"""Programs run inside a container, which is how the scoring server there is asked.

The server's control socket lies in the container's volume; `pilothouse-control` in the image
speaks to it. It works over every road to an engine, needs no port, and nobody else can use it.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from backends.engines.engine import Engine
from backends.errors import Conflict
from backends.targets.control import status_from_json
from backends.targets.drivers.docker.frames import BrokenFrame, FrameReader
from backends.targets.drivers.docker.shape import CONTROL
from backends.targets.records import Status, Stream

if TYPE_CHECKING:
    import docker

_LONGEST_STATUS = 64 << 20
_JSON = {"Content-Type": "application/json"}


async def run(engine: Engine, container: str, command: Sequence[str], what: str) -> str:
    """Run a program to its end; what it wrote.

    Raises:
        Conflict: it ended with another code than 0.
        PilothouseError: the engine could not run it.
    """

    def ask(client: "docker.APIClient") -> tuple[int, str]:
        made = client.exec_create(container, list(command))
        output = client.exec_start(made["Id"])
        return int(client.exec_inspect(made["Id"])["ExitCode"] or 0), output.decode(
            "utf-8", errors="replace"
        )

    code, output = await engine.call(what, ask)
    if code:
        said = output.strip().splitlines()
        raise Conflict(
            f"Docker could not {what}: {said[-1] if said else f'exit code {code}'}.",
            fix="Look at the service's log.",
            detail=output,
        )
    return output


async def command(engine: Engine, container: str, request: dict[str, object], what: str) -> None:
    """One request of the control protocol.

    Raises:
        Conflict: the server refused, or is not there.
        PilothouseError: the engine could not ask.
    """
    await run(engine, container, [CONTROL, json.dumps(request)], what)


async def statuses(engine: Engine, container: str, service: str) -> AsyncGenerator[Status, None]:
    """The server's status at once and at each change, until it ends or the road is cut.

    Raises:
        PilothouseError: the engine could not ask.
    """
    what = f"watch {service}"
    made: dict[str, Any] = await engine.call(
        what,
        # Its standard input ends with this connection, and with it the program.
        lambda client: client.exec_create(container, [CONTROL, "watch"], stdin=True),
    )
    frames, rest = FrameReader(), b""
    stream = engine.stream(
        what,
        "POST",
        f"/exec/{made['Id']}/start",
        data=b'{"Detach": false, "Tty": false}',
        headers=_JSON,
        quiet_seconds=None,
    )
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            try:
                said = b"".join(d for s, d in frames.feed(piece) if s is Stream.STDOUT)
            except BrokenFrame:
                return
            *lines, rest = (rest + said).split(b"\n")
            for line in lines:
                if status := status_from_json(service, line):
                    yield status
            if len(rest) > _LONGEST_STATUS:
                return
