"""One Docker engine: blocking calls in threads, raw streams, and errors in our words."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlencode

from msgspec.structs import replace

from backends.engines.bodies import BodyReader, Broken, Data, RawRequest
from backends.engines.clients import new_client
from backends.engines.failures import EngineCut, cut, failure
from backends.engines.records import EngineAddress, EngineInfo
from backends.engines.ssh import Relay
from backends.engines.wire import Wire, upgrade
from backends.errors import PilothouseError, Unavailable, Unsupported

if TYPE_CHECKING:
    import docker

__all__ = ["Engine", "EngineCut"]

T = TypeVar("T")

NEWEST_API, OLDEST_API = "1.45", "1.40"
"""What is spoken: the newest that docker-py knows, down to Podman's and Docker 19.03's."""
_CALLS_AT_ONCE = 8
"""Some of them wait long, for a container to stop."""
_PING_SECONDS = 15.0


class Engine:
    """An asynchronous context manager; connections are made by the first call.

    Args:
        address: Where it is.
    """

    def __init__(self, address: EngineAddress) -> None:
        self.address = address
        self._relay = Relay(address) if address.scheme == "ssh" else None
        self._reached = address
        self._api = ""
        self._idle: list[docker.APIClient] = []
        self._streams: set[BodyReader | Wire] = set()
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._closed = False

    async def __aenter__(self) -> Self:
        """Connect nothing yet."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close all."""
        await self.aclose()

    async def aclose(self) -> None:
        """End streams, the ssh processes and idle connections; a call under way is left alone."""
        self._closed = True
        for reader in list(self._streams):
            reader.close()
        while self._idle:
            self._idle.pop().close()
        if self._relay is not None:
            await self._relay.aclose()

    async def call(
        self, what: str, work: Callable[["docker.APIClient"], T], *, seconds: float = 60
    ) -> T:
        """Run `work` with a client of its own in a thread.

        Args:
            what: Completes "Docker could not …".
            work: Blocking calls of docker-py's low-level client.
            seconds: Longest silence of one request, and longest time of `work`.

        Raises:
            PilothouseError: the engine refused or could not be reached.
        """
        await self._open(what)
        async with self._slots:
            return await self._work(what, work, seconds)

    async def info(self) -> EngineInfo:
        """What the engine is and has."""

        def ask(client: "docker.APIClient") -> EngineInfo:
            started = perf_counter()
            version: dict[str, Any] = client.version()
            latency = perf_counter() - started
            return _info(version, client.info(), latency * 1000)

        return await self.call("tell what it is", ask, seconds=_PING_SECONDS)

    async def stream(
        self,
        what: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        data: Data | None = None,
        headers: Mapping[str, str] | None = None,
        quiet_seconds: float | None = 240.0,
    ) -> AsyncGenerator[bytes, None]:
        """The raw pieces of an answer's body; ends at its clean end.

        Args:
            what: Completes "Docker could not …".
            method: Of the request.
            path: Below `/v{api}`, already quoted.
            params: The query.
            data: The request's body, sent in chunks when its length is not known.
            headers: Of the request.
            quiet_seconds: Silence after which the stream counts as cut; None waits for ever.

        Raises:
            EngineCut: the connection broke or was silent for too long.
            PilothouseError: the engine refused or could not be reached.
        """
        await self._open(what)
        query = f"?{urlencode(params)}" if params else ""
        request = RawRequest(
            method=method,
            path=f"/v{self._api}{path}{query}",
            data=data,
            headers=headers or {},
            quiet_seconds=quiet_seconds,
        )
        reader = BodyReader(self._reached, request)
        self._streams.add(reader)
        try:
            while piece := await reader.next():
                yield piece
        except Broken as error:
            raise cut(what, error, self.address, self._ssh_problem()) from error
        except Exception as error:  # mapped by one table; a bug stays what it is
            raise self._failure(what, error) from error
        finally:
            self._streams.discard(reader)
            reader.close()
        if self._closed:
            raise EngineCut(f"Docker could not {what}: the target was closed.")

    @contextlib.asynccontextmanager
    async def wire(self, what: str, path: str, body: bytes) -> AsyncGenerator[Wire, None]:
        """A connection of raw bytes both ways, as `POST path` gives it; closed with the context.

        Args:
            what: Completes "Docker could not …".
            path: Below `/v{api}`, already quoted.
            body: JSON.

        Raises:
            PilothouseError: the engine refused or could not be reached.
        """
        await self._open(what)
        wire = Wire(
            await self.call(
                what, lambda _client: upgrade(self._reached, f"/v{self._api}{path}", body)
            )
        )
        self._streams.add(wire)
        try:
            yield wire
        finally:
            self._streams.discard(wire)
            wire.close()

    @contextlib.asynccontextmanager
    async def tunnel(self, host: str, port: int) -> AsyncGenerator[int, None]:
        """A port of this machine's loopback that leads to an address of the engine's machine.

        Raises:
            Unsupported: the engine is not reached over ssh.
        """
        if self._relay is None:
            raise Unsupported(
                f"There is no tunnel through {self.address.url}.", fix="Use an ssh:// address."
            )
        async with self._relay.tunnel(host, port) as here:
            yield here

    @property
    def api(self) -> str:
        """The negotiated version of the API, such as `1.41`; empty before the first call."""
        return self._api

    @property
    def closed(self) -> bool:
        """It is used no more; its streams have ended."""
        return self._closed

    # Opening

    async def _open(self, what: str) -> None:
        """See that the relay runs and the version is known."""
        if self._closed:
            raise Unavailable(f"Docker could not {what}: the target was closed.")
        async with self._opening:
            if self._relay is not None:
                self._reached = replace(self.address, url=f"unix://{await self._relay.open()}")
            if not self._api:
                self._api = await self._negotiate(what)
                while self._idle:  # these speak the version of the question only
                    self._idle.pop().close()

    async def _negotiate(self, what: str) -> str:
        """The newest version that both sides speak."""

        def ask(client: "docker.APIClient") -> tuple[str, str]:
            found: dict[str, Any] = client.version(api_version=False)
            return str(found.get("ApiVersion") or ""), str(found.get("MinAPIVersion") or "")

        newest, oldest = await self._work(what, ask, _PING_SECONDS)
        chosen = min(NEWEST_API, newest, key=_number)
        if _number(chosen) < _number(OLDEST_API) or _number(oldest) > _number(NEWEST_API):
            raise Unsupported(
                f"Docker could not {what}: the engine speaks the API {oldest or '?'} to"
                f" {newest or '?'}, and {OLDEST_API} to {NEWEST_API} is needed.",
                fix="Use an engine of Docker 20.10 or newer.",
            )
        return chosen

    # Threads

    async def _work(self, what: str, work: Callable[["docker.APIClient"], T], seconds: float) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # None only beside an error

        def run() -> None:
            result, error = None, None
            try:
                result = self._with_client(work, seconds)
            except BaseException as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has ended, nobody waits
                loop.call_soon_threadsafe(settle, result, error)

        threading.Thread(target=run, name=f"docker {what}", daemon=True).start()
        try:
            async with asyncio.timeout(seconds):  # wait_for of 3.11 may lose a cancellation
                found = await future
        except Exception as error:  # mapped by one table; a bug stays what it is
            raise self._failure(what, error) from error
        if self._relay is not None:
            self._relay.problem = None
        return found

    def _with_client(self, work: Callable[["docker.APIClient"], T], seconds: float) -> T:
        client = self._idle_client() or new_client(self._reached, self._api or OLDEST_API)
        client.timeout = seconds  # type: ignore[assignment]  # requests takes fractions too
        try:
            result = work(client)
        except BaseException:
            client.close()
            raise
        if self._closed:
            client.close()
        else:
            self._idle.append(client)
        return result

    def _idle_client(self) -> "docker.APIClient | None":
        try:
            return self._idle.pop()
        except IndexError:  # another thread was faster, or there was none
            return None

    def _failure(self, what: str, error: Exception) -> BaseException:
        found = failure(what, error, self.address, self._ssh_problem())
        if isinstance(found, Unsupported):
            self._api = ""  # the engine may be another one than before: ask it again
        return error if found is None else found

    def _ssh_problem(self) -> PilothouseError | None:
        return self._relay.problem if self._relay is not None else None


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _info(version: Mapping[str, Any], info: Mapping[str, Any], latency: float) -> EngineInfo:
    options = [str(option) for option in info.get("SecurityOptions") or ()]
    runtimes = tuple(sorted(info.get("Runtimes") or ()))
    devices = info.get("DiscoveredDevices") or ()
    return EngineInfo(
        identity=str(info.get("ID") or ""),
        name=str(info.get("Name") or ""),
        version=str(version.get("Version") or ""),
        api_version=str(version.get("ApiVersion") or ""),
        minimum_api=str(version.get("MinAPIVersion") or ""),
        os=str(version.get("Os") or info.get("OSType") or ""),
        architecture=str(info.get("Architecture") or version.get("Arch") or ""),
        cpus=int(info.get("NCPU") or 0),
        memory_bytes=int(info.get("MemTotal") or 0),
        rootless=any("rootless" in option for option in options),
        runtimes=runtimes,
        gpu="nvidia" in runtimes or bool(devices),
        log_driver=str(info.get("LoggingDriver") or ""),
        cgroup_version=str(info.get("CgroupVersion") or ""),
        storage=str(info.get("Driver") or ""),
        warnings=tuple(str(text) for text in info.get("Warnings") or ()),
        latency_ms=latency,
    )
