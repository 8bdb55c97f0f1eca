"""A listening socket whose connections are the input and output of processes of their own."""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

_LONGEST_WORDS = 64 << 10
"""Bytes of a process's standard error that are read."""


class Road:
    """An asynchronous context manager; leaving it ends every process.

    Args:
        listener: A bound socket; it is closed with the road.
        command: What to run for each connection.
        folder: Where standard error is kept while a process runs.
        failed: Told exit code and standard error of a process that left its client in the lurch;
            a code of -1 is one that could not be started.
    """

    def __init__(
        self,
        listener: socket.socket,
        command: Sequence[str],
        *,
        folder: Path,
        failed: Callable[[int, str], None],
    ) -> None:
        self._listener = listener
        self._command = command
        self._folder = folder
        self._failed = failed
        self._serving: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._listener.listen(128)
        self._listener.setblocking(False)
        self._accepting = asyncio.create_task(self._accept())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the listener and end what runs."""
        tasks = [*self._serving, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._listener)
            task = loop.create_task(self._serve(connection))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    async def _serve(self, connection: socket.socket) -> None:
        """One process; our copy of the connection stays open until its end is understood."""
        connection.setblocking(True)  # the process inherits the mode
        with connection, tempfile.TemporaryFile(dir=self._folder) as words:
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=connection.fileno(),
                    stdout=connection.fileno(),
                    stderr=words,
                    start_new_session=True,
                )
            except OSError as error:
                self._failed(-1, str(error))
                return
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
                raise
            if code and not _left(connection):
                words.seek(0)
                self._failed(code, words.read(_LONGEST_WORDS).decode("utf-8", errors="replace"))


def _left(connection: socket.socket) -> bool:
    """The client closed its end, so that an exit code means nothing."""
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
