"""The driver contract: what the code for one kind of target gives."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ClassVar, Self

from backends.errors import Unsupported
from backends.targets.records import (
    Capabilities,
    Endpoint,
    Gap,
    Keys,
    LogLine,
    LogQuery,
    Observed,
    Preflight,
    Replica,
    ServiceSpec,
    Status,
    StreamEnd,
    TargetInfo,
    Usage,
)

if TYPE_CHECKING:
    from backends.engines.records import Delivery
    from backends.targets.terminal import ExecRequest, Terminal
    from backends.targets.ways import Way


class Driver(ABC):
    """One open target. An async context manager: leaving it closes what it holds open.

    Closing a driver ends its streams, never its services. Verbs raise `PilothouseError` only;
    the SDK's own errors are mapped inside the driver.
    """

    capabilities: ClassVar[Capabilities]

    @classmethod
    def ways(cls) -> tuple["Way", ...]:
        """How a target of this kind can be reached; none where there is nothing to say."""
        return ()

    @classmethod
    def check_settings(cls, settings: Mapping[str, str]) -> None:
        """See whether settings can be those of a target, without connecting.

        Raises:
            PilothouseError: they cannot; the sentence says why.
        """

    async def __aenter__(self) -> Self:
        """Open nothing yet: connections are made by the first verb."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End all streams and close all connections."""

    @abstractmethod
    async def check(self) -> TargetInfo:
        """Reach the target and say what it is and has."""

    @abstractmethod
    async def preflight(self, spec: ServiceSpec) -> tuple[Preflight, ...]:
        """Check beforehand what would stop this revision: capacity, port, rights."""

    @abstractmethod
    async def apply(self, spec: ServiceSpec, keys: Keys | None) -> None:
        """Create the service or bring it to this revision; returns once that is under way.

        Applying the same spec twice changes nothing. `keys` are given when `spec.auth` holds.
        """

    @abstractmethod
    async def services(self) -> tuple[Observed, ...]:
        """All services of ours, found from the target itself."""

    @abstractmethod
    def watch(self, name: str) -> AsyncGenerator[Status | StreamEnd, None]:
        """Status of a service: at once, then at each change, until it is deleted or closed."""

    @abstractmethod
    def logs(self, name: str, query: LogQuery) -> AsyncGenerator[LogLine | Gap | StreamEnd, None]:
        """Lines in order; the last item is a `StreamEnd`."""

    @abstractmethod
    def endpoint(self, name: str) -> AbstractAsyncContextManager[Endpoint]:
        """A way to call the service from here, open as long as the context is."""

    @abstractmethod
    async def delete(self, name: str) -> None:
        """Remove the service and everything of it from the target; absent is not an error."""

    def rights(self) -> str:
        """What has to be granted to us there, as a file to apply; nothing is connected."""
        raise Unsupported(
            "This target asks for no rights to be granted.",
            fix="Name a Kubernetes cluster, or leave `-n` out.",
        )

    async def delivery(self) -> "Delivery":
        """Where images for this target are built; asked where `capabilities.images` holds."""
        raise Unsupported(
            "This target runs no images.",
            fix="`pilothouse computetarget show` lists what each target can do.",
        )

    async def keys(self, name: str) -> Keys:
        """Both keys of the service."""
        raise self._cannot("keys", name)

    async def set_keys(self, name: str, keys: Keys) -> None:
        """Replace the keys; requests already admitted go on."""
        raise self._cannot("change keys", name)

    async def stop(self, name: str) -> None:
        """Stop answering but keep the service's record, spec and address."""
        raise self._cannot("stop", name)

    async def start(self, name: str) -> None:
        """Bring a stopped service back at the revision it had."""
        raise self._cannot("start", name)

    async def scale(self, name: str, replicas: int) -> None:
        """Change the number of replicas."""
        raise self._cannot("scale", name)

    async def usage(self, name: str) -> Usage:
        """Processor and memory in use now."""
        raise self._cannot("measure usage", name)

    async def replicas(self, name: str) -> tuple[Replica, ...]:
        """Its instances, each with its state; none where the target has no more than the service.

        Raises:
            NotFound: there is no such service.
        """
        return ()

    def exec(self, name: str, request: "ExecRequest") -> AbstractAsyncContextManager["Terminal"]:
        """Run a program beside the service, in a terminal; it is hung up with the context.

        Raises:
            NotFound: there is no such service or replica.
            Unsupported: the image has no shell.
        """
        raise self._cannot("run a program inside", name)

    def _cannot(self, verb: str, name: str) -> Unsupported:
        return Unsupported(
            f"This target cannot {verb} (service {name}).",
            fix="`pilothouse computetarget show` lists what each target can do.",
        )
