"""The scoring server's control socket, and the status object that it and its state file hold.

JSON lines over a Unix socket, one request a connection: `watch`, `swap`, `workers`, `stop`.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from backends.errors import Conflict, Unavailable
from backends.targets.records import Evidence, ServiceState, Status

_LIMIT = 64 << 20
"""Bytes of the longest status: it carries tracebacks and log lines."""
_ANSWER_SECONDS = 5.0
_STATUS_SECONDS = 1.0


async def command(
    socket: Path, request: Mapping[str, object], *, seconds: float = _ANSWER_SECONDS
) -> None:
    """Send one request and wait for its answer.

    Raises:
        Unavailable: nothing answers on the socket.
        Conflict: the server refused, in its own words.
    """
    try:
        async with asyncio.timeout(seconds), _open(socket, request) as reader:
            answer = json.loads(await reader.readline())
    except (OSError, ValueError, TimeoutError) as error:
        raise Unavailable(
            f"The scoring server does not answer on its control socket ({error}).",
            fix="Stop and start the service.",
        ) from error
    if not answer.get("ok"):
        why = str(answer.get("error", "no reason given")).rstrip(".")
        raise Conflict(f"The scoring server refused: {why}.", fix="Look at its log.")


async def statuses(socket: Path, service: str) -> AsyncGenerator[Status, None]:
    """The status at once and at each change, until the server closes the connection.

    Raises:
        OSError: nothing listens on the socket.
    """
    async with _open(socket, {"op": "watch"}) as reader:
        while line := await reader.readline():
            if told := status_from_json(service, line):
                yield told


async def status(socket: Path, service: str) -> Status | None:
    """The status now; None when the server does not answer soon."""
    try:
        async with asyncio.timeout(_STATUS_SECONDS), _open(socket, {"op": "watch"}) as reader:
            return status_from_json(service, await reader.readline())
    except (OSError, ValueError, TimeoutError):
        return None


def status_from_json(service: str, text: str | bytes) -> Status | None:
    """The status object of the control protocol; None when it is none."""
    try:
        data = json.loads(text)
        return Status(
            service=service,
            state=ServiceState(data["state"]),
            reason=str(data.get("reason") or ""),
            at=float(data["at"]),
            serving=data.get("serving"),
            rolling_out=data.get("rolling_out"),
            ready=int(data.get("ready") or 0),
            wanted=int(data.get("wanted") or 0),
            phase=str(data.get("phase") or ""),
            evidence=_evidence(data.get("evidence") or {}),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _evidence(data: Mapping[str, Any]) -> Evidence:
    return Evidence(
        stage=str(data.get("stage") or ""),
        exit_code=data.get("exit_code"),
        out_of_memory=bool(data.get("out_of_memory")),
        traceback=str(data.get("traceback") or ""),
        last_lines=tuple(map(str, data.get("last_lines") or ())),
        model_tree=tuple(map(str, data.get("model_tree") or ())),
        event=str(data.get("event") or ""),
    )


@contextlib.asynccontextmanager
async def _open(
    socket: Path, request: Mapping[str, object]
) -> AsyncGenerator[asyncio.StreamReader, None]:
    reader, writer = await asyncio.open_unix_connection(str(socket), limit=_LIMIT)
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
