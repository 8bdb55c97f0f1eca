"""A workspace: one registry with its services, targets and history, in one folder."""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from backends.database import Database
from backends.errors import InvalidInput
from backends.paths import home

if TYPE_CHECKING:
    from backends.registry.registry import Registry
    from backends.requests.history import History
    from backends.services.environments import Environments
    from backends.services.packaging import Packager
    from backends.services.services import Services
    from backends.services.targets import Targets

DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class Workspace:
    """One open workspace. Use `open`; leave with `aclose` (or `close` when nothing async ran).

    Its rooms are opened on first use, so that a front end pays only for what it shows.
    """

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.root = root
        self.database = Database(root / "workspace.db")

    @cached_property
    def registry(self) -> "Registry":
        """Its models."""
        from backends.registry.registry import Registry

        return Registry(self.root, self.database)

    @cached_property
    def targets(self) -> "Targets":
        """Its places to deploy to."""
        from backends.services.targets import Targets

        return Targets(self.database, self.name)

    @cached_property
    def environments(self) -> "Environments":
        """Its registered environments."""
        from backends.services.environments import Environments

        return Environments(self.database)

    @cached_property
    def packages(self) -> "Packager":
        """Images and Dockerfiles of its models."""
        from backends.services.packaging import Packager

        return Packager(self.name, self.registry, self.environments, self.targets)

    @cached_property
    def history(self) -> "History":
        """Requests that were sent from it."""
        from backends.requests.history import History

        return History(self.database)

    @cached_property
    def services(self) -> "Services":
        """What is deployed from it."""
        from backends.services.services import Services
        from backends.services.store import Store

        return Services(
            workspace=self.name,
            root=self.root,
            registry=self.registry,
            environments=self.environments,
            targets=self.targets,
            store=Store(self.database),
        )

    @classmethod
    def open(cls, name: str | None = None, *, start: Path | None = None) -> Self:
        """Open a workspace, making it on first use.

        Its name is `name`, else `$PILOTHOUSE_WORKSPACE`, else that of an Azure ML `config.json`
        found from `start` (the current directory) upwards, else `default`.

        Raises:
            InvalidInput: the name cannot name a folder.
        """
        chosen = name or os.environ.get("PILOTHOUSE_WORKSPACE") or _named_by_file(start) or DEFAULT
        return cls(check_name(chosen), workspaces_dir() / chosen)

    def stamp(self) -> tuple[int, int]:
        """Another value after any process changed models or services (blocking)."""
        return self.registry.stamp(), self.services.stamp()

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    async def aclose(self) -> None:
        """Close open targets, then the database; services go on."""
        if "targets" in vars(self):
            await self.targets.aclose()
        self.close()


def workspaces_dir() -> Path:
    """The folder that holds a folder for each workspace."""
    return home() / "workspaces"


def workspace_names() -> tuple[str, ...]:
    """Workspaces that exist, by name."""
    folder = workspaces_dir()
    if not folder.is_dir():
        return ()
    return tuple(sorted(p.name for p in folder.iterdir() if (p / "workspace.db").is_file()))


def check_name(name: str) -> str:
    """The name itself when it can name a workspace.

    Raises:
        InvalidInput: it cannot.
    """
    if NAME.fullmatch(name):
        return name
    raise InvalidInput(
        f"'{name}' cannot name a workspace: letters, digits, '-', '_' and '.', at most 63,"
        " beginning with a letter or digit.",
        fix="Choose another with -w.",
    )


def _named_by_file(start: Path | None) -> str | None:
    from backends.configs.workspace_file import find_workspace_file

    found = find_workspace_file(start or Path.cwd())
    return found.name if found else None
