"""What can be typed after a `:` command: models, services, paths, themes. All may block."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backends import filters
from backends.filters import Completion
from console import present, theming
from console.app.shell.commands import Completer
from console.app.widgets.prompt import Suggestion

if TYPE_CHECKING:
    from backends.workspace import Workspace

MOST = 50
"""Suggestions given at once; typing narrows them."""


def completers(workspace: "Workspace") -> dict[str, Completer]:
    """By kind of argument."""
    return {
        "filter": lambda line: suggest_filter(workspace, line),
        "model": lambda line: suggest_models(workspace, line),
        "service": lambda line: suggest_services(workspace, line),
        "path": suggest_paths,
        "theme": suggest_themes,
    }


def suggest_filter(workspace: "Workspace", line: str) -> Sequence[Suggestion]:
    """Tag names, then their values, with counts; and the fields of the grammar."""
    found = filters.complete(line, len(line), workspace.registry.vocabulary())
    return [to_suggestion(each) for each in found]


def to_suggestion(offer: Completion) -> Suggestion:
    """An offer of the filter's grammar as the line takes it."""
    hint = f"{offer.count:,}" if offer.count is not None else ""
    return Suggestion(offer.text, hint, offer.start, offer.label)


def suggest_models(workspace: "Workspace", line: str) -> Sequence[Suggestion]:
    """Model names; after a colon the versions of that one."""
    name, colon, version = line.partition(":")
    if colon:
        rows = workspace.registry.versions(name)
        found = [row for row in rows if str(row.version).startswith(version)]
        return [Suggestion(row.id, present.size(row.size), 0) for row in found[:MOST]]
    wanted = filters.parse(f'name:"{name}"' if name else "")
    rows = workspace.registry.search(wanted, latest=True, offset=0, limit=MOST)
    return [Suggestion(row.name, f"{row.framework}, version {row.version}", 0) for row in rows]


def suggest_services(workspace: "Workspace", line: str) -> Sequence[Suggestion]:
    """Services with their stored states."""
    return [
        Suggestion(service.name, present.state(service.state).text, 0)
        for service in workspace.services.list()
        if line in service.name
    ][:MOST]


def suggest_themes(line: str) -> Sequence[Suggestion]:
    """Themes that can be used."""
    themes, _ = theming.load_all()
    return [Suggestion(each.name, each.title, 0) for each in themes if line in each.name]


def suggest_paths(line: str) -> Sequence[Suggestion]:
    """Files and folders below what is typed; hidden ones only when a dot asks for them."""
    typed = Path(line).expanduser()
    folder, start = (typed, "") if line.endswith("/") or not line else (typed.parent, typed.name)
    head = line[: len(line) - len(start)]
    return [
        Suggestion(head + entry.name + ("/" if is_folder else ""), hint, 0)
        for entry, is_folder, hint in _entries(folder, start)
    ]


def _entries(folder: Path, start: str) -> Iterator[tuple[Path, bool, str]]:
    try:
        found = sorted(folder.iterdir(), key=lambda path: (path.is_file(), path.name.lower()))
    except OSError:
        return
    wanted = [
        path
        for path in found
        if path.name.startswith(start) and (start or not path.name.startswith("."))
    ]
    for path in wanted[:MOST]:
        is_folder = path.is_dir()
        hint = "folder" if is_folder else present.size(path.stat().st_size) if path.exists() else ""
        yield path, is_folder, hint
