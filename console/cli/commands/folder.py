"""`pilothouse folder`: the table of its command."""

from types import MappingProxyType

from console.cli.lazy import LazyGroup, Row

folder = LazyGroup(
    "folder",
    MappingProxyType(
        {"attach": Row("console.cli.commands.folder_attach:attach", "Write its config.json.")}
    ),
    help="Tie a project folder to a workspace.",
)
