"""`pilothouse environment`: the table of its commands."""

from types import MappingProxyType

from console.cli.lazy import LazyGroup, Row

_HERE = "console.cli.commands.environments"

environment = LazyGroup(
    "environment",
    MappingProxyType(
        {
            "scaffold": Row(f"{_HERE}:scaffold", "Write the files of a new environment."),
            "register": Row(f"{_HERE}:register", "Register the environment of a folder."),
            "list": Row(f"{_HERE}:list_environments", "List registered environments."),
            "show": Row(f"{_HERE}:show", "Show one."),
            "download": Row(f"{_HERE}:download", "Write one's files to a folder."),
        }
    ),
    help="Environments: the packages and variables that models need.",
)
