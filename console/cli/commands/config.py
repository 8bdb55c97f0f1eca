"""`pilothouse config`: the table of its command."""

from types import MappingProxyType

from console.cli.lazy import LazyGroup, Row

config = LazyGroup(
    "config",
    MappingProxyType(
        {
            "check": Row(
                "console.cli.commands.config_check:check", "Name every problem of config files."
            )
        }
    ),
    help="Config files: inference, deployment, conda, environment.",
)
