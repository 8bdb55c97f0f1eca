"""What a build is told, and what it tells."""

from collections.abc import Mapping

from msgspec import Struct, field


class StepStarted(Struct, frozen=True, kw_only=True):
    """One step of a build began."""

    number: int
    title: str


class StepFinished(Struct, frozen=True, kw_only=True):
    """One step of a build ended well."""

    number: int
    title: str
    seconds: float
    size: int
    """Bytes that its layer added."""
    cached: bool = False


class Image(Struct, frozen=True, kw_only=True):
    """An image on an engine."""

    id: str
    """`sha256:…`"""
    reference: str
    """Tag, or the id where it has none."""
    size: int = 0
    """Bytes, all layers."""
    labels: Mapping[str, str] = field(default_factory=dict)
    cached: bool = False
    """It was there already."""
