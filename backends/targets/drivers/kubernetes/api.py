"""Requests to an API server: objects as the server writes them, and bodies read as they come."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from backends.errors import Unavailable
from backends.targets.drivers.kubernetes.credentials import Credentials
from backends.targets.drivers.kubernetes.failures import Cut, refused, unreachable
from backends.targets.drivers.kubernetes.kubeconfig import Access, find_access
from backends.targets.drivers.kubernetes.names import FIELD_MANAGER
from backends.targets.drivers.kubernetes.settings import Settings

if TYPE_CHECKING:
    import httpx

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PAGE = 500
"""Objects in one page of a list."""
_CONNECT_SECONDS = 5.0
_TRIES = 5
"""How often a question is put when connections break."""
_LONGEST_ERROR = 64 << 10

Object = dict[str, Any]


class Api:
    """One cluster; opened by the first request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None
        self._access: Access | None = None
        self._credentials: Credentials | None = None
        self._closed = False

    async def aclose(self) -> None:
        """End streams and connections."""
        self._closed = True
        if self._client is not None:
            await self._client.aclose()

    @property
    def closed(self) -> bool:
        """It is used no more."""
        return self._closed

    async def access(self) -> Access:
        """Who and where; the kubeconfig is read once.

        Raises:
            PilothouseError: it names no cluster that can be used.
        """
        await self._open()
        assert self._access is not None
        return self._access

    async def headers(self) -> dict[str, str]:
        """What tells the server who we are, for connections that are not made here."""
        await self._open()
        assert self._credentials is not None
        return await self._credentials.headers()

    async def get(self, what: str, path: str, **query: str | int) -> Object:
        """One object, or a list's page."""
        return await self.request(what, "GET", path, query=query)

    async def apply(self, what: str, path: str, wanted: Object, *, dry: bool = False) -> Object:
        """Server-side apply of an object below a collection's path; ours wins.

        Args:
            what: Completes "The cluster could not …".
            path: Of the collection.
            wanted: The object.
            dry: Only have it checked.
        """
        query: dict[str, str | int] = {"fieldManager": FIELD_MANAGER, "force": "true"}
        if dry:
            query["dryRun"] = "All"
        name = wanted["metadata"]["name"]
        return await self.request(
            what, "PATCH", f"{path}/{name}", query=query, body=wanted, kind=APPLY
        )

    async def list(self, what: str, path: str, **query: str | int) -> tuple[list[Object], str]:
        """All pages of a list, and the version from which a watch goes on."""
        found: list[Object] = []
        query["limit"] = PAGE
        while True:
            page = await self.get(what, path, **query)
            found += page.get("items") or []
            more = page["metadata"].get("continue")
            if not more:
                return found, str(page["metadata"].get("resourceVersion") or "")
            query["continue"] = more

    async def request(
        self,
        what: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        kind: str = "application/json",
        seconds: float = 30.0,
    ) -> Object:
        """One request and its JSON answer.

        Raises:
            PilothouseError: the server refused or could not be reached.
        """
        access, credentials = await self.access(), self._credentials
        assert credentials is not None
        content = None if body is None else json.dumps(body)
        for attempt in (1, 2):
            headers = {"Content-Type": kind, "Accept": "application/json"}
            headers |= await credentials.headers()
            request = (await self._open()).build_request(
                method,
                path,
                params=dict(query or {}),
                content=content,
                headers=headers,
                timeout=_patience(seconds),
                extensions=_name(access),
            )
            answer = await self._send(what, request)
            if answer.status_code != 401 or attempt == 2 or access.exec is None:
                break
            credentials.forget()
        if answer.status_code >= 400:
            raise refused(what, answer.status_code, answer.content, access.context)
        found: Object = json.loads(answer.content) if answer.content else {}
        return found

    async def _send(self, what: str, request: "httpx.Request") -> "httpx.Response":
        """The answer; what only asks is asked again when the connection broke meanwhile."""
        import httpx

        client, access = await self._open(), await self.access()
        tries = _TRIES if request.method == "GET" else 1
        while True:
            tries -= 1
            try:
                return await client.send(request)
            except (httpx.HTTPError, OSError) as error:
                if not tries or isinstance(error, httpx.TimeoutException):
                    raise unreachable(what, error, access.context, access.server) from error

    async def stream(
        self,
        what: str,
        path: str,
        query: Mapping[str, str | int],
        *,
        quiet_seconds: float,
    ) -> AsyncGenerator[bytes, None]:
        """Pieces of an answer's body as they come; ends at its clean end.

        Args:
            what: Completes "The cluster could not …".
            path: Of the request.
            query: Of the request.
            quiet_seconds: Silence after which the stream counts as cut.

        Raises:
            Cut: the connection broke or was silent for too long.
            PilothouseError: the server refused or could not be reached.
        """
        import httpx

        access = await self.access()
        async with self._opened(what, path, query, quiet_seconds) as answer:
            try:
                async for piece in answer.aiter_raw():
                    yield piece
            except (httpx.HTTPError, httpx.StreamError, OSError) as error:
                text = str(error) or type(error).__name__
                raise Cut(
                    f"The cluster {access.context} could not {what}: the connection was cut"
                    f" ({text}).",
                    fix="It is read on by itself.",
                ) from error

    @asynccontextmanager
    async def _opened(
        self, what: str, path: str, query: Mapping[str, str | int], quiet: float
    ) -> AsyncGenerator["httpx.Response", None]:
        import httpx

        client, access = await self._open(), await self.access()
        request = client.build_request(
            "GET",
            path,
            params=dict(query),
            headers=await self.headers(),
            timeout=_patience(quiet),
            extensions=_name(access),
        )
        try:
            answer = await client.send(request, stream=True)
        except (httpx.HTTPError, OSError) as error:
            raise unreachable(what, error, access.context, access.server) from error
        try:
            if answer.status_code >= 400:
                text = (await answer.aread())[:_LONGEST_ERROR]
                raise refused(what, answer.status_code, text, access.context)
            yield answer
        finally:
            await answer.aclose()

    async def _open(self) -> "httpx.AsyncClient":
        if self._closed:
            raise Unavailable("The cluster could not be asked: the target was closed.")
        async with self._opening:
            if self._client is None:
                settings = self._settings
                self._access = await asyncio.to_thread(
                    find_access, settings.kubeconfig, settings.context, settings.guessed_context
                )
                self._credentials = Credentials(self._access)
                self._client = await asyncio.to_thread(_client, self._access)
        return self._client


def _client(access: Access) -> "httpx.AsyncClient":
    """Streams keep a connection each, so their number is not bounded."""
    import httpx

    return httpx.AsyncClient(
        base_url=access.server,
        verify=access.tls if access.tls is not None else False,
        trust_env=not access.proxy,
        proxy=access.proxy or None,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
    )


def _patience(seconds: float) -> "httpx.Timeout":
    import httpx

    return httpx.Timeout(seconds, connect=_CONNECT_SECONDS)


def _name(access: Access) -> dict[str, str]:
    return {"sni_hostname": access.server_name} if access.server_name else {}
