"""The `config.json` that names an Azure ML workspace, found upwards from a folder."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from backends.errors import InvalidInput, NotFound

FOLDERS = (".azureml", "aml_config", "")
NAMES = ("config.json", "project.json")
KEYS = ("subscription_id", "resource_group", "workspace_name")


class WorkspaceFile(Struct, frozen=True, kw_only=True):
    """Which workspace a file names."""

    name: str
    resource_group: str
    subscription_id: str
    path: Path


def find_workspace_file(start: Path) -> WorkspaceFile | None:
    """Read the nearest workspace file at or above `start`.

    In every folder `.azureml`, `aml_config` and the folder itself are tried, for `config.json`
    and then `project.json`. A `config.json` outside those two folders that has none of the keys
    belongs to something else and is passed over.

    Args:
        start: A folder, or the file itself under any name.

    Raises:
        NotFound: `start` does not exist.
        InvalidInput: The file lacks a key or cannot be read.
    """
    if not start.exists():
        raise NotFound(f"{start} does not exist.", fix="Give a folder, or a workspace's file.")
    if not start.is_dir():
        found = _read(start, owned=True)
        assert found is not None, "an owned file is read or refused"
        return found
    for path, owned in _candidates(start.resolve()):
        if path.is_file():
            found = _read(path, owned=owned)
            if found is not None:
                return found
    return None


def write_workspace_file(
    folder: Path,
    *,
    name: str,
    resource_group: str = "",
    subscription_id: str = "",
    file_name: str = "config.json",
) -> Path:
    """Write a workspace file below a folder: in `aml_config` where that exists, else `.azureml`.

    Returns:
        The file.

    Raises:
        OSError: It cannot be written.
    """
    home = folder / ("aml_config" if (folder / "aml_config").is_dir() else ".azureml")
    home.mkdir(parents=True, exist_ok=True)
    content = dict(zip(KEYS, (subscription_id, resource_group, name), strict=True))
    (home / file_name).write_text(json.dumps(content, indent=4) + "\n", encoding="utf-8")
    return home / file_name


def _candidates(start: Path) -> Iterator[tuple[Path, bool]]:
    for folder in (start, *start.parents):
        for below in FOLDERS:
            for name in NAMES:
                yield folder / below / name, bool(below)


def _read(path: Path, *, owned: bool) -> WorkspaceFile | None:
    """Read one file; `owned` says that it must be a workspace's."""
    content = _content(path)
    if content is None or not (owned or {*KEYS, "Scope"} & set(content)):
        if owned:
            raise _invalid(path, "it is not a JSON object")
        return None
    if isinstance(scope := content.get("Scope"), str):
        content = content | _from_scope(scope)
    missing = [key for key in KEYS if not isinstance(content.get(key), str)]
    if missing:
        raise _invalid(path, f"{' and '.join(missing)} are missing or not text")
    subscription, group, name = (str(content[key]) for key in KEYS)
    if not name.strip():
        raise _invalid(path, "workspace_name is empty")
    return WorkspaceFile(name=name, resource_group=group, subscription_id=subscription, path=path)


def _content(path: Path) -> dict[str, object] | None:
    from backends.configs import documents
    from backends.configs.report import Report

    report = Report(str(path))
    data = documents.read(path, report)
    node = documents.load(data, report) if data is not None else None
    if node is None or not isinstance(node.value, Mapping):
        return None
    return {key: child.value for key, child in node.value.items()}


def _from_scope(scope: str) -> dict[str, object]:
    """Split `/subscriptions/S/resourceGroups/R/providers/P/workspaces/W`, v1's oldest form."""
    parts = scope.split("/")
    return dict(zip(KEYS, (parts[2], parts[4], parts[8]), strict=True)) if len(parts) > 8 else {}


def _invalid(path: Path, why: str) -> InvalidInput:
    return InvalidInput(
        f"{path} does not name a workspace: {why}.",
        fix=f"Write {', '.join(KEYS)} into it, or name the workspace with -w.",
    )
