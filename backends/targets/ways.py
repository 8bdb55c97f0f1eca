"""How a kind of target can be reached: what its settings are, in words that a form shows."""

from collections.abc import Mapping

from msgspec import Struct, field


class Setting(Struct, frozen=True, kw_only=True):
    """One setting of a target."""

    name: str
    """Its key in `TargetRecord.settings`."""
    help: str
    """One line for a person."""
    required: bool = False
    example: str = ""
    choices: tuple[str, ...] = ()
    """The only values; empty lets any be typed."""
    path: bool = False
    """It names a file of this machine."""


class Way(Struct, frozen=True, kw_only=True):
    """One way to reach a target of a kind."""

    name: str
    title: str
    help: str
    """One sentence for a person."""
    settings: tuple[Setting, ...] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Settings that go with this way and are not asked."""
