"""How to go on with what is typed: paths of the disk, names of environments."""

import os
from pathlib import Path

from textual.suggester import Suggester, SuggestFromList

from backends.configs.field import Field, Kind
from console.app.shell.threads import Threads
from console.app.wizard.form import Form
from console.present import UNPRINTABLE

MOST_ENTRIES = 5000
"""A folder is not read further than this."""


def suggester(form: Form, field: Field, threads: Threads) -> Suggester | None:
    """What completes a field; None where nothing does."""
    if field.name == "environment_name":
        return SuggestFromList(form.environments, case_sensitive=False)
    if field.kind is not Kind.PATH:
        return None
    beside = {"entry_script", "conda_file", "extra_docker_file_steps"}
    root = Path() if field.name == "folder" else form.folder
    root = root / form.get("source_directory") if field.name in beside else root
    return Paths(root, threads)


class Paths(Suggester):
    """Completes a path with the first entry, by name, that begins as it does."""

    def __init__(self, root: Path, threads: Threads) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._root = root
        self._threads = threads

    async def get_suggestion(self, value: str) -> str | None:
        """The path with its last part completed."""
        return await self._threads.run(complete, self._root, value) if value else None


def complete(root: Path, value: str) -> str | None:
    """The path, relative to `root`, with its last part completed; hidden entries only if asked."""
    parent, slash, start = value.rpartition("/")
    try:
        with os.scandir(root / Path(f"{parent}{slash}").expanduser()) as entries:
            near = [entry for entry, _ in zip(entries, range(MOST_ENTRIES), strict=False)]
            names = [f"{entry.name}/" if entry.is_dir() else entry.name for entry in near]
    except (OSError, ValueError, RuntimeError):
        return None
    found = sorted(
        name
        for name in names
        if name.startswith(start)
        and (start.startswith(".") or not name.startswith("."))
        and not UNPRINTABLE.search(name)
    )
    return f"{parent}{slash}{found[0]}" if found else None
