"""`pilothouse workspace`: the table of its commands."""

from types import MappingProxyType

from console.cli.lazy import Elsewhere, LazyGroup, Row

_HERE = "console.cli.commands.workspaces"
_LOCAL = "A workspace here is a folder of this machine, without users and access keys."

workspace = LazyGroup(
    "workspace",
    MappingProxyType(
        {
            "list": Row(f"{_HERE}:list_workspaces", "List workspaces."),
            "show": Row(f"{_HERE}:show", "Show one and what is in it."),
            "create": Row(f"{_HERE}:create", "Create one."),
            "delete": Row(f"{_HERE}:delete", "Delete one that has no services."),
        }
    ),
    help="A workspace is a model registry with its services and targets.",
    elsewhere=MappingProxyType(
        {
            word: Elsewhere(_LOCAL, "Rights are those of its folder: pilothouse workspace show.")
            for word in ("share", "sync-keys", "private-endpoint", "update")
        }
    ),
)
