"""Lists that stay true: a list, then every change, across cuts and forgotten versions.

A watch's answer ends by itself after some minutes, which is no end; one that is cut goes on from
the last version seen, and where the server no longer knows that one, the list is read anew.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import Any

from msgspec import Struct

from backends.errors import Unavailable
from backends.targets.backoff import Backoff
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.failures import Cut, Expired, watch_error

SECONDS = 200
"""For which the server keeps one watch open."""
_FAILURES = 3
"""Times in a row that a server may not be reached before that is told."""
_QUIET = SECONDS + 15.0
"""Silence after which a watch counts as cut."""


class Kind(StrEnum):
    """What happened to an object."""

    LISTED = "LISTED"
    """The whole list, read anew: what is not in it is gone."""
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Change(Struct, frozen=True):
    """One change, or the list that all later ones change."""

    kind: Kind
    objects: tuple[Mapping[str, Any], ...]


async def changes(
    api: Api, what: str, path: str, query: Mapping[str, str], *, patient: bool = False
) -> AsyncGenerator[Change, None]:
    """The list, then its changes, for ever.

    Args:
        api: The cluster.
        what: Completes "The cluster could not …".
        path: Of the collection.
        query: Selectors.
        patient: A server that cannot be reached is asked again for ever.

    Raises:
        PilothouseError: the server refused or could not be reached.
    """
    backoff = Backoff(first=0.1, most=5.0)
    failed = 0
    while True:
        try:
            backoff.began()
            async with aclosing(_listed(api, what, path, query)) as found:
                async for change in found:
                    failed = 0
                    yield change
        except Unavailable:
            failed += 1
            if api.closed or (failed > _FAILURES and not patient):
                raise
            await asyncio.sleep(backoff.pause())


async def _listed(
    api: Api, what: str, path: str, query: Mapping[str, str]
) -> AsyncGenerator[Change, None]:
    while True:
        found, version = await api.list(what, path, **query)
        yield Change(Kind.LISTED, tuple(found))
        try:
            async with aclosing(_after(api, what, path, query, version)) as later:
                async for change in later:
                    yield change
        except Expired:
            continue


async def _after(
    api: Api, what: str, path: str, query: Mapping[str, str], version: str
) -> AsyncGenerator[Change, None]:
    backoff = Backoff(first=0.1, most=5.0)
    while True:
        asked: dict[str, str | int] = {
            **query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": SECONDS,
            "resourceVersion": version,
        }
        try:
            backoff.began()
            stream = api.stream(what, path, asked, quiet_seconds=_QUIET)
            async with aclosing(lines(stream)) as events:
                async for line in events:
                    kind, found = _event(line)
                    if kind == "ERROR":
                        raise watch_error(found, (await api.access()).context)
                    version = str(found["metadata"]["resourceVersion"])
                    if kind in Kind.__members__:
                        yield Change(Kind(kind), (found,))
        except Cut:
            await asyncio.sleep(backoff.pause())


async def lines(stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    r"""The lines of a body, split at `\n` alone; what stands behind the last one is left out."""
    rest = bytearray()
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            rest += piece
            if b"\n" not in piece:
                continue
            *whole, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in whole:
                yield line


def _event(line: bytes) -> tuple[str, Mapping[str, Any]]:
    try:
        found = json.loads(line)
        return str(found["type"]), found["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise Cut("The cluster's answer was garbled.", fix="It is read on by itself.") from error
