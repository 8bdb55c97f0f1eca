"""The catalog of drivers: a row a kind, imported by name on first use only."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from msgspec import Struct, field

from backends.errors import InvalidInput, Unavailable
from backends.targets.driver import Driver


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
    }
)

ALIASES: Mapping[str, str] = MappingProxyType({"kubernetes": "aks", "local": "docker"})
"""Other words for a kind in `computeType`."""


def open_driver(target: TargetRecord) -> Driver:
    """The driver of a target, not yet connected.

    Raises:
        InvalidInput: no driver of that kind exists.
        Unavailable: the driver's SDK is not installed.
    """
    kind = ALIASES.get(target.kind, target.kind)
    row = CATALOG.get(kind)
    if row is None:
        raise InvalidInput(
            f"Target {target.name}: there is no driver for '{target.kind}'.",
            fix=f"Kinds that can be deployed to: {', '.join(CATALOG)}.",
        )
    module, _, name = row.path.partition(":")
    try:
        factory = getattr(import_module(module), name)
    except ModuleNotFoundError as missing:
        raise Unavailable(
            f"The {row.title} driver needs the package '{missing.name}'.", fix=row.install
        ) from missing
    driver: Driver = factory(target)
    return driver
