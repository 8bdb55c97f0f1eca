"""Who we are to image registries: what a config says, else what `docker login` stored."""

import base64
import json
from typing import Any

from backends.configs.records import ImageRegistry
from backends.errors import Unauthorized


def auth_header(reference: str, registry: ImageRegistry) -> dict[str, str]:
    """`X-Registry-Auth` for an image, or nothing for an anonymous pull (Docker Engine API 1.41).

    Raises:
        Unauthorized: Docker's credential helper failed.
    """
    host = registry_of(reference)
    if registry.username:
        found: dict[str, Any] = {
            "username": registry.username,
            "password": registry.password,
            "serveraddress": host,
        }
    else:
        found = _stored(host)
    if not found:
        return {}
    text = json.dumps({key.lower(): value for key, value in found.items()})
    return {"X-Registry-Auth": base64.urlsafe_b64encode(text.encode()).decode()}


def registry_of(reference: str) -> str:
    """The registry's host of an image reference; `docker.io` when it names none."""
    first, slash, _ = reference.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return first if named else "docker.io"


def _stored(host: str) -> dict[str, Any]:
    """From Docker's own config file, its credential store and helpers."""
    import docker.errors
    from docker.auth import load_config

    try:
        found = load_config().resolve_authconfig(host)
    except docker.errors.DockerException as error:
        raise Unauthorized(
            f"Docker's credential store has nothing usable for {host}: {error}.",
            fix=f"`docker login {host}` again, or give user and password in the config.",
        ) from error
    return dict(found or {})
