"""The Docker command line's contexts, read from where it keeps them.

`$DOCKER_CONFIG/contexts/meta/<sha256 of the name>/meta.json` holds the endpoint, `contexts/tls/
<the same>/docker/` its PEM files, and `config.json` the name of the current one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.engines.records import TlsFiles
from backends.errors import InvalidInput, NotFound

DEFAULT = "default"
"""The context that stands for no context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A named endpoint of the Docker command line."""

    name: str
    url: str
    tls: TlsFiles | None = None
    description: str = ""


def config_dir(environ: Mapping[str, str]) -> Path:
    """Folder of the Docker command line's settings."""
    chosen = environ.get("DOCKER_CONFIG")
    return Path(chosen) if chosen else Path(environ.get("HOME") or Path.home()) / ".docker"


def known_contexts(folder: Path) -> tuple[Context, ...]:
    """All contexts by name; those that cannot be read are left out."""
    found = []
    for path in sorted((folder / "contexts" / "meta").glob("*/meta.json")):
        try:
            found.append(_context(folder, path))
        except InvalidInput:
            continue
    return tuple(sorted(found, key=lambda context: context.name))


def find_context(folder: Path, name: str) -> Context:
    """The context of that name.

    Raises:
        NotFound: there is none.
        InvalidInput: its file says nothing that can be used.
    """
    path = folder / "contexts" / "meta" / _key(name) / "meta.json"
    if not path.is_file():
        known = ", ".join(context.name for context in known_contexts(folder)) or "none"
        raise NotFound(
            f"There is no Docker context '{name}' in {folder} (there is: {known}).",
            fix="`docker context ls` lists them; `docker context create` makes one.",
        )
    return _context(folder, path)


def current_context(folder: Path) -> str:
    """Name of the current context; empty when none is chosen."""
    path = folder / "config.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"Docker's settings {path} cannot be read: {error}.",
            fix="Correct the file, or name the engine with `url`.",
        ) from error
    name = data.get("currentContext") if isinstance(data, dict) else None
    return name if isinstance(name, str) else ""


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _context(folder: Path, path: Path) -> Context:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        endpoint = data["Endpoints"]["docker"]
        name, url = data["Name"], endpoint["Host"]
        described = (data.get("Metadata") or {}).get("Description")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"The Docker context in {path} cannot be read: {error!r}.",
            fix="`docker context inspect` shows it; create it again.",
        ) from error
    if not (isinstance(name, str) and isinstance(url, str) and name and url):
        raise InvalidInput(
            f"The Docker context in {path} names no engine.", fix="Create the context again."
        )
    return Context(
        name=name,
        url=url,
        tls=_tls(folder / "contexts" / "tls" / path.parent.name / "docker", endpoint),
        description=described if isinstance(described, str) else "",
    )


def _tls(folder: Path, endpoint: Mapping[str, Any]) -> TlsFiles | None:
    verify = endpoint.get("SkipTLSVerify") is not True
    tls = tls_from_folder(folder, verify=verify)
    return tls or (None if verify else TlsFiles(verify=False))


def tls_from_folder(folder: Path, *, verify: bool = True) -> TlsFiles | None:
    """`ca.pem`, `cert.pem` and `key.pem` of a folder; None when none of them is there."""
    ca, certificate, key = (
        path if (path := folder / name).is_file() else None
        for name in ("ca.pem", "cert.pem", "key.pem")
    )
    if not (ca or certificate or key):
        return None
    return TlsFiles(ca=ca, certificate=certificate, key=key, verify=verify)
