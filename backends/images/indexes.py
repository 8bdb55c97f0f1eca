"""The user's package index settings, for uv: it reads its own and none of pip's."""

import configparser
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import platformdirs

_SETTINGS = {
    "index-url": ("PIP_INDEX_URL", ("UV_DEFAULT_INDEX", "UV_INDEX_URL")),
    "extra-index-url": ("PIP_EXTRA_INDEX_URL", ("UV_INDEX", "UV_EXTRA_INDEX_URL")),
    "find-links": ("PIP_FIND_LINKS", ("UV_FIND_LINKS",)),
    "trusted-host": ("PIP_TRUSTED_HOST", ("UV_INSECURE_HOST",)),
    "no-index": ("PIP_NO_INDEX", ("UV_NO_INDEX",)),
    "cert": ("PIP_CERT", ("SSL_CERT_FILE",)),
}
"""pip's setting -> its variable, and uv's (the first one is set)."""

_PLATFORM_CERTIFICATES = ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS")
"""Trust whom the platform trusts, as pip does; the second is what uv called it before."""

_NEVER = {"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__"}


def uv_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables to run uv with: ours, plus pip's settings where uv has none of its own.

    With more than one index pip takes the best version of all, uv the first index that has the
    name; pip's way is kept where the indexes come from pip's settings.
    """
    chosen = {name: value for name, value in environ.items() if name not in _NEVER}
    chosen |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1"}
    for variable in _PLATFORM_CERTIFICATES:
        chosen.setdefault(variable, "1")
    files = _pip_files(environ)
    for setting, (variable, ours) in _SETTINGS.items():
        value = environ.get(variable) or files.get(setting, "")
        if value and not any(environ.get(name) for name in ours):
            chosen[ours[0]] = _words(setting, value)
            if setting == "extra-index-url":
                chosen.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    if "PIP_CERT" in environ:
        chosen.setdefault("SSL_CERT_FILE", environ["PIP_CERT"])
    return chosen


def pip_environment(
    options: Iterable[str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Variables to run pip with so that it asks the indexes that uv was told of.

    Args:
        options: Lines of a requirements file; they stay out of the argument list because an
            address may hold a password.
        environ: The user's variables.
    """
    chosen = {name: value for name, value in environ.items() if name not in _NEVER}
    for variable, ours in _SETTINGS.values():
        told = [environ[name] for name in ours if environ.get(name)]
        if told:
            chosen[variable] = told[0].replace(",", " ")
    for option in options:
        name, _, value = option.removeprefix("--").partition(" ")
        if name in _SETTINGS:
            variable = _SETTINGS[name][0]
            several = name in {"extra-index-url", "find-links"} and variable in chosen
            chosen[variable] = f"{chosen[variable]} {value}" if several else value or "1"
    return chosen


def _words(setting: str, value: str) -> str:
    """Pip separates by white space; uv by commas where a path may hold a space."""
    return ("," if setting == "find-links" else " ").join(value.split())


def _pip_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Pip's settings from its files, the strongest last (pip's "Configuration" page)."""
    only = environ.get("PIP_CONFIG_FILE")
    if only == os.devnull:
        return {}
    home = Path.home()
    paths = [Path(folder) / "pip" / "pip.conf" for folder in ("/etc/xdg",)]
    paths += [Path("/etc/pip.conf"), home / ".pip" / "pip.conf"]
    paths += [Path(platformdirs.user_config_dir("pip")) / "pip.conf"]
    paths += [Path(only)] if only else []
    found: dict[str, str] = {}
    for path in paths:
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                found |= dict(parser.items(section))
    return found


def without_passwords(text: str) -> str:
    """`https://user:secret@host/` with the secret hidden."""
    return re.sub(r"(://[^\s/:@]*):[^\s/@]+@", r"\1:****@", text)
