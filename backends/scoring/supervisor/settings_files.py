"""The settings of azureml-inference-server-http that are not flags: `config.json` and variables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = "config.json"
FILE_VARIABLE = "AZUREML_CONFIG_FILE"
KNOWN = frozenset(
    {
        "AML_APP_INSIGHTS_ENABLED",
        "AML_APP_INSIGHTS_KEY",
        "AML_APP_ROOT",
        "AML_CORS_ORIGINS",
        "AML_MODEL_DC_STORAGE_ENABLED",
        "APP_INSIGHTS_LOG_RESPONSE_ENABLED",
        "AZUREML_DEBUG_PORT",
        "AZUREML_ENTRY_SCRIPT",
        "AZUREML_LOG_LEVEL",
        "AZUREML_MODEL_DIR",
        "AZUREML_SOURCE_DIRECTORY",
        "HOSTNAME",
        "PILOTHOUSE_COMPATIBLE",
        "SCORING_TIMEOUT_MS",
        "SEPERATE_HEALTH_ENDPOINT",
        "SERVER_VERSION_LOG_RESPONSE_ENABLED",
        "SERVICE_NAME",
        "SERVICE_PATH_PREFIX",
        "SERVICE_VERSION",
        "WORKER_COUNT",
        "WORKER_PRELOAD",
        "WORKER_TIMEOUT",
        "WORKSPACE_NAME",
    }
)
"""Keys of the file; each is also an environment variable, which wins."""

PASSED_ON = (
    "AML_CORS_ORIGINS",
    "AZUREML_DEBUG_PORT",
    "AZUREML_LOG_LEVEL",
    "PILOTHOUSE_COMPATIBLE",
    "SERVER_VERSION_LOG_RESPONSE_ENABLED",
    "SERVICE_PATH_PREFIX",
    "SERVICE_VERSION",
    "WORKSPACE_NAME",
)
"""Settings that the server or the script reads as variables."""
NOTHING_SENT = (
    "Application Insights is asked for, but this server sends it nothing: no request, no trace, no "
    "exception. The log has every request and what the script prints, /metrics the figures"
)


class SettingsError(Exception):
    """A setting cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Values by name, from the environment where it has them, else from the file."""

    values: Mapping[str, str]
    file: Path | None
    from_file: Mapping[str, str]
    """What the file says and the environment does not: the worker is told it."""
    unknown: tuple[str, ...]
    """Keys of the file that mean nothing here."""

    def text(self, name: str, default: str = "") -> str:
        """A value; an empty one counts as none."""
        return self.values.get(name) or default

    def number(self, name: str, default: int) -> int:
        """A whole number that is not negative.

        Raises:
            SettingsError: It is none.
        """
        text = self.text(name)
        if text and not (text.isascii() and text.isdigit()):
            raise SettingsError(f"{name} must be a whole number, not {text!r}")
        return int(text) if text else default

    def flag(self, name: str) -> bool:
        """It says `true`, in any case."""
        return self.text(name).lower() == "true"


def read(environ: Mapping[str, str], named: str | None, folders: tuple[Path, ...]) -> Settings:
    """Settings from the environment and one file: the named one, else the first of the folders.

    Raises:
        SettingsError: The named file is not there, or a file is no object of plain values.
    """
    path = _find(named or environ.get(FILE_VARIABLE), folders)
    given = {} if path is None else _values(path)
    known = {name: value for name, value in given.items() if name in KNOWN}
    added = {name: value for name, value in known.items() if not environ.get(name)}
    unknown = tuple(name for name in given if name not in KNOWN)
    return Settings({**environ, **added}, path, added, unknown)


def _find(named: str | None, folders: tuple[Path, ...]) -> Path | None:
    if named:
        path = Path(named).absolute()
        if not path.is_file():
            raise SettingsError(f"the config file {path} does not exist")
        return path
    for folder in folders:
        path = folder / FILE
        if path.is_file() and path.stat().st_size:
            return path
    return None


def _values(path: Path) -> dict[str, str]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"the config file {path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"the config file {path} is no JSON object")
    return {name: _text(path, name, value) for name, value in data.items() if value is not None}


def _text(path: Path, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if name in KNOWN:
        raise SettingsError(f"{name} in {path} must be a plain value")
    return ""
