"""The catalog of drivers: a row a kind, imported by name on first use only."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from backends.errors import InvalidInput, Unavailable
from backends.targets.driver import Driver
from backends.targets.records import Capabilities

if TYPE_CHECKING:
    from backends.targets.ways import Way


class Row(Struct, frozen=True):
    """One kind of target."""

    path: str
    """`module:class` of its driver."""
    title: str
    install: str
    """What to install when the module's SDK is missing."""


class TargetRecord(Struct, frozen=True, kw_only=True):
    """A target that a workspace knows."""

    name: str
    kind: str
    """A key of `CATALOG`."""
    workspace: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """How to reach it; never a secret."""


CATALOG: Mapping[str, Row] = MappingProxyType(
    {
        "process": Row(
            "backends.targets.drivers.process:ProcessDriver", "process on this machine", ""
        ),
        "docker": Row(
            "backends.targets.drivers.docker:DockerDriver",
            "Docker engine",
            "Install it with `pip install docker`.",
        ),
        "aks": Row(
            "backends.targets.drivers.kubernetes:KubernetesDriver",
            "Kubernetes cluster",
            "Install it with `pip install httpx websockets`.",
        ),
    }
)

ALIASES: Mapping[str, str] = MappingProxyType({"kubernetes": "aks", "local": "docker"})
"""Other words for a kind in `computeType`."""


def compute_word(kind: str) -> str:
    """What `computeType` says for targets of a kind."""
    return "local" if kind == ALIASES["local"] else kind


def open_driver(target: TargetRecord) -> Driver:
    """The driver of a target, not yet connected.

    Raises:
        InvalidInput: no driver of that kind exists.
        Unavailable: the driver's SDK is not installed.
    """
    driver: Driver = _class_of(target.kind, target.name)(target)
    return driver


def ways_of(kind: str) -> tuple["Way", ...]:
    """How a target of a kind can be reached.

    Raises:
        InvalidInput: no driver of that kind exists.
        Unavailable: the driver's SDK is not installed.
    """
    ways: tuple[Way, ...] = _class_of(kind).ways()
    return ways


def abilities_of(kind: str) -> Capabilities:
    """What targets of a kind can do.

    Raises:
        InvalidInput: no driver of that kind exists.
        Unavailable: the driver's SDK is not installed.
    """
    found: Capabilities = _class_of(kind).capabilities
    return found


def check_settings(kind: str, settings: Mapping[str, str]) -> None:
    """See whether settings can be those of a target of a kind, without connecting.

    Raises:
        PilothouseError: they cannot, or there is no such kind.
    """
    _class_of(kind).check_settings(settings)


def _class_of(kind: str, target: str = "") -> Any:
    """The class of a kind's drivers, imported on its first use."""
    row = CATALOG.get(ALIASES.get(kind, kind))
    if row is None:
        raise InvalidInput(
            f"{f'Target {target}: t' if target else 'T'}here is no driver for '{kind}'.",
            fix=f"Kinds that can be deployed to: {', '.join(CATALOG)}.",
        )
    module, _, name = row.path.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as missing:
        raise Unavailable(
            f"The {row.title} driver needs the package '{missing.name}'.", fix=row.install
        ) from missing
