"""One request's way to a replica and its answer's way back."""

import asyncio
from typing import Protocol

from .heads import LAST_CHUNK, Answer, Request, chunk, problem
from .table import Table
from .upstream import Link, Upstream

TRIES = 3
"""Connections that one request may use up before a byte of its answer came."""
UNAVAILABLE = "No replica of the service takes requests now."
BROKEN = "The replica ended before it answered this request."


class Client(Protocol):
    """The connection that the request came on."""

    def write(self, data: bytes) -> None:
        """Give bytes to the client."""

    def over(self, *, broken: bool = False) -> None:
        """The answer is written, or broken off where nothing can mend it."""

    def take_body(self, *, yes: bool) -> None:
        """Read more of the request's body, or not now."""


class Passing:
    """Sends a request on, and once more where a kept connection turned out to be closed."""

    def __init__(self, table: Table, client: Client, request: Request) -> None:
        self.request = request
        self._table = table
        self._client = client
        self._link: Link | None = None
        self._answer: Answer | None = None
        self._out: list[bytes] = []
        self._streams = not request.complete
        self._tries = 0
        self._connecting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Send it on, at once where a connection is free."""
        self._tries += 1
        # A body that still arrives is not kept, so it goes where nothing has to be sent again.
        link = None if self._streams or self._tries > 1 else self._table.kept()
        if link is not None:
            self._carry(link)
        else:
            self._client.take_body(yes=False)
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def body(self, data: bytes) -> None:
        """More of the request's body has arrived."""
        if self._link is None:
            self.request.parts.append(data)
        else:
            self._link.send(self.request.framed(data))

    def body_ended(self) -> None:
        """It is whole."""
        if self._link is not None and self.request.length is None:
            self._link.send(LAST_CHUNK)

    def left(self) -> None:
        """The client is gone."""
        if self._connecting is not None:
            self._connecting.cancel()
        self._release(abandon=True)

    def reading(self, *, yes: bool) -> None:
        """The client takes more of the answer, or not now."""
        if self._link is not None:
            self._link.reading(yes=yes)

    @property
    def answering(self) -> bool:
        """Part of the answer was given to the client."""
        return self._answer is not None

    # What the replica's connection tells

    def answer(self, answer: Answer) -> None:
        """The answer's head."""
        if not self.request.complete:
            self.request.keep_alive = False  # answered before all was asked
        self._answer = answer
        self._out.append(answer.head(self.request))

    def data(self, body: bytes) -> None:
        """A piece of its body."""
        assert self._answer is not None
        self._out.append(chunk(body) if self._answer.chunked else body)

    def flush(self) -> None:
        """Give the client what has come together."""
        if self._out:
            self._client.write(b"".join(self._out))
            self._out.clear()

    def end(self) -> None:
        """The answer is whole."""
        assert self._answer is not None
        if self._answer.chunked:
            self._out.append(LAST_CHUNK)
        self._release()  # first: a client that is slow to take the rest holds up nobody else
        self.flush()
        self._client.over()

    def lost(self, *, answering: bool, reused: bool) -> None:
        """The replica's connection broke."""
        self._release()
        if answering:
            self.flush()
            self._client.over(broken=True)
        elif reused and not self._streams and self._tries < TRIES:
            self.start()
        else:
            self._fail(502, "Bad Gateway", BROKEN)

    def writable(self, *, yes: bool) -> None:
        """The replica takes more of the body, or not now."""
        self._client.take_body(yes=yes)

    async def _connect(self) -> None:
        """Try one replica after the other."""
        for upstream in self._table.order():
            try:
                link = await upstream.connect()
            except (OSError, TimeoutError):
                self._table.failed(upstream)
                continue
            self._connecting = None
            self._carry(link)
            return
        self._connecting = None
        self._fail(503, "Service Unavailable", UNAVAILABLE)

    def _carry(self, link: Link) -> None:
        self._link = link
        request = self.request
        data = [request.head(), *map(request.framed, request.parts)]
        if request.complete:
            data.append(request.end())
        if self._streams:
            request.parts.clear()
        link.carry(self, b"".join(data))
        self._client.take_body(yes=True)

    def _fail(self, status: int, reason: str, message: str) -> None:
        keep = self.request.keep_alive and self.request.complete
        self.request.keep_alive = keep
        self._client.write(problem(status, reason, message, close=not keep))
        self._client.over()

    def _release(self, *, abandon: bool = False) -> None:
        link, self._link = self._link, None
        if link is not None:
            if abandon:
                link.abandon()
            else:
                link.reading(yes=True)  # whoever is carried next may be quick
            self._released(link.upstream)

    def _released(self, upstream: Upstream) -> None:
        self._table.released(upstream)
