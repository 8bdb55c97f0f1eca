"""A workspace: one registry with its services, targets and history, in one folder."""

import os
import re
from pathlib import Path
from typing import Self

from backends.configs.workspace_file import find_workspace_file
from backends.database import Database
from backends.errors import InvalidInput
from backends.paths import home
from backends.registry.registry import Registry
from backends.requests.history import History
from backends.services.environments import Environments
from backends.services.services import Services
from backends.services.store import Store
from backends.services.targets import Targets

DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class Workspace:
    """One open workspace. Use `open`; leave with `aclose` (or `close` when nothing async ran)."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.root = root
        self.database = Database(root / "workspace.db")
        self.registry = Registry(root, self.database)
        self.targets = Targets(self.database, name)
        self.environments = Environments(self.database)
        self.history = History(self.database)
        self.services = Services(
            workspace=name,
            root=root,
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

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    async def aclose(self) -> None:
        """Close open targets, then the database; services go on."""
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
    found = find_workspace_file(start or Path.cwd())
    return found.name if found else None
