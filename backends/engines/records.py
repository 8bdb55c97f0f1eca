"""An engine's address, and what it says about itself."""

from pathlib import Path

from msgspec import Struct


class TlsFiles(Struct, frozen=True, kw_only=True):
    """PEM files for an engine that is reached over TLS; none of their content is kept."""

    ca: Path | None = None
    """Authorities that may vouch for the engine; None is the system's own."""
    certificate: Path | None = None
    """What the engine knows us by; None for an engine that asks for none."""
    key: Path | None = None
    verify: bool = True
    """Whether the engine must prove who it is."""


class EngineAddress(Struct, frozen=True, kw_only=True):
    """How to reach an engine."""

    url: str
    """`unix:///path`, `tcp://host:port` or `ssh://[user@]host[:port][/path/to/socket]`."""
    tls: TlsFiles | None = None
    """For `tcp://` only; None speaks plain HTTP."""
    origin: str
    """How it was found, in words."""
    ssh_config: Path | None = None
    """A configuration file for ssh in the place of the user's own."""

    @property
    def scheme(self) -> str:
        """`unix`, `tcp` or `ssh`."""
        return self.url.partition("://")[0]


class Delivery(Struct, frozen=True, kw_only=True):
    """Where a target's images are built, and how they get to it."""

    engine: EngineAddress
    push_to: str = ""
    """Registry and path (`registry.example:5000/team`) that the target pulls from; empty where it
    runs what is on the engine itself."""


class EngineInfo(Struct, frozen=True, kw_only=True):
    """What an engine is and has (`GET /version` and `GET /info` of the Engine API)."""

    identity: str
    """Its own id, the same from whichever address it is reached."""
    name: str
    """Host name of the machine it runs on."""
    version: str
    api_version: str
    """The newest that it speaks."""
    minimum_api: str
    """The oldest that it speaks; empty when it does not tell."""
    os: str
    """`linux` or `windows`."""
    architecture: str
    """As the kernel names it: x86_64, aarch64."""
    cpus: int
    memory_bytes: int
    rootless: bool
    runtimes: tuple[str, ...]
    gpu: bool
    """It can give GPUs to containers."""
    log_driver: str
    """Driver of containers that name none."""
    cgroup_version: str
    storage: str
    """Storage driver."""
    warnings: tuple[str, ...]
    latency_ms: float
    """How long one answer took."""
