"""How nodes get an image: its name there, and the Secret that a private registry asks for."""

import base64
import json
from typing import Any

from backends.errors import Unauthorized
from backends.targets.drivers.kubernetes import names
from backends.targets.drivers.kubernetes.settings import Settings
from backends.targets.records import ServiceSpec


def reference(image: str, settings: Settings) -> str:
    """The image as the nodes name it: the registry may have another name for them."""
    pushed = settings.push_to.rstrip("/")
    if not settings.pull_from or not pushed or not image.startswith(f"{pushed}/"):
        return image
    return f"{settings.pull_from.rstrip('/')}/{image.removeprefix(f'{pushed}/')}"


def pull_secret(spec: ServiceSpec, settings: Settings) -> dict[str, Any] | None:
    """The Secret with what `docker login` stored for the registry (blocking).

    None where images are not pushed, the Secret is somebody else's, or nobody logged in.

    Raises:
        Unauthorized: Docker's credential store failed.
    """
    if not settings.push_to or settings.pull_secret:
        return None
    known = _stored(settings.push_to.partition("/")[0])
    if not known.get("Username"):
        return None
    host = (settings.pull_from or settings.push_to).partition("/")[0]
    pair = f"{known['Username']}:{known.get('Password') or ''}".encode()
    logins = {"auths": {host: {"auth": base64.b64encode(pair).decode()}}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {
            "name": names.pull_name(spec.name),
            "labels": names.labels(spec.workspace, spec.name),
        },
        "data": {".dockerconfigjson": base64.b64encode(json.dumps(logins).encode()).decode()},
    }


def _stored(host: str) -> dict[str, Any]:
    import docker.errors
    from docker.auth import load_config

    try:
        return dict(load_config().resolve_authconfig(host) or {})
    except docker.errors.DockerException as error:
        raise Unauthorized(
            f"Docker's credential store has nothing usable for {host}: {error}.",
            fix=f"`docker login {host}` again, or name a Secret with `--set pull_secret=NAME`.",
        ) from error
