"""`pilothouse image`: the table of its commands."""

from types import MappingProxyType

from console.cli.lazy import LazyGroup, Row

_HERE = "console.cli.commands.images"

image = LazyGroup(
    "image",
    MappingProxyType(
        {
            "list": Row(f"{_HERE}:list_images", "List the images that Pilothouse made."),
            "remove": Row(f"{_HERE}:remove", "Remove one that nothing needs."),
            "prune": Row(f"{_HERE}:prune", "Remove all that nothing needs."),
            "save": Row(f"{_HERE}:save", "Write images to a tar."),
            "load": Row(f"{_HERE}:load", "Load images from a tar."),
        }
    ),
    help="Images of environments and services, on the engines that run them.",
)
