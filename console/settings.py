"""What a person chose for the console: a small YAML file in the settings folder."""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from backends import paths

FILE = "settings.yaml"


class Settings(Struct, frozen=True, kw_only=True):
    """Choices of `settings.yaml`; every one has a default."""

    theme: str = ""
    """Name of a theme; empty: one that suits the terminal."""
    read_only: bool = False
    """Start with changes refused."""
    mouse: bool | None = None
    """None: on, but off over SSH, where every motion would travel."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Binding id to keys (`models.register: "n,insert"`)."""
    problems: tuple[str, ...] = ()
    """What the file says wrongly, one sentence each; the rest of it holds."""


def settings_file() -> Path:
    """Where the settings are read from."""
    return paths.settings_dir() / FILE


def load(path: Path | None = None) -> Settings:
    """The settings of `path`; a missing file is all defaults, a wrong entry is named."""
    path = path or settings_file()
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        return Settings(problems=(f"{path} could not be read: {error}.",))
    return _parse(text, path)


def save_theme(name: str, path: Path | None = None) -> None:
    """Keep `name` as the theme of the next start; comments of the file stay."""
    path = path or settings_file()
    text = path.read_text("utf-8") if path.exists() else ""
    line = f"theme: {name}"
    changed, hits = re.subn(r"^theme\s*:.*$", line, text, count=1, flags=re.MULTILINE)
    if not hits:
        changed = f"{text.rstrip()}\n{line}\n".lstrip()
    paths.write_atomic(path, changed.encode())


def _parse(text: str, path: Path) -> Settings:
    import yaml

    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        return Settings(problems=(f"{path} is not YAML: {error}.",))
    if not isinstance(found, dict):
        return Settings(problems=(f"{path} has to be a mapping of settings.",))
    settings = Settings()
    for key, value in found.items():
        settings = _with(settings, str(key), value, path)
    return settings


def _with(settings: Settings, key: str, value: object, path: Path) -> Settings:
    match key, value:
        case "theme", str():
            return replace(settings, theme=value)
        case "read_only", bool():
            return replace(settings, read_only=value)
        case "mouse", bool() | None:
            return replace(settings, mouse=value)
        case "keys", dict():
            return replace(settings, keys={str(name): str(keys) for name, keys in value.items()})
        case "theme" | "read_only" | "mouse" | "keys", _:
            problem = f"{path}: '{key}' can't be {value!r}."
        case _:
            problem = f"{path}: there is no setting '{key}'."
    return replace(settings, problems=(*settings.problems, problem))
