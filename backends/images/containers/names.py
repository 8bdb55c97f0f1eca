"""What our images, volumes and build containers are called, and the labels that make them ours."""

import re

IMAGE = "pilothouse/image"
"""Label of every image that was made here; its value is one of the kinds below."""
SERVER, PACKAGES, ENVIRONMENT, STEP = "server", "packages", "environment", "step"
SERVICE, PACKAGE = "service", "package"
"""A service's revision; what `model package` made, which only its owner removes."""
WORKSPACE = "pilothouse/workspace-name"
"""Label: workspace of a service's image."""
LAYER = "pilothouse/layer"
"""Label: sha256 of what a layer was made of; the same again is not made again."""
INTERPRETER = "pilothouse/interpreter"
"""Label: path of the user's Python in the image; empty for the server's own."""
MADE = "pilothouse/made"
"""Label: when it was made, seconds since the epoch."""
ENVIRONMENT_KEY = "pilothouse/environment"
"""Label: key of the environment that an image holds."""
BUILDING = "pilothouse/building"
"""Label of containers and volumes that live as long as a build; images carry it empty."""
VOLUME = "pilothouse/volume"
"""Label of volumes that are kept between builds."""

SERVER_ROOT = "/opt/pilothouse"
TOOLS_ROOT = "/opt/pilothouse-build"
PYTHON = f"{SERVER_ROOT}/bin/pilothouse-python"
INPUTS = "/run/pilothouse"
"""Where a build finds what is passed to it and never kept."""
APP_ROOT = "/var/azureml-app"
STATE = "/var/pilothouse"
"""Launch file, keys, control socket and state; a volume, owned by the server's user."""
USER_ID = 10001
"""The user, and group, that the server and the worker run as."""
PORT = 5001
"""Where the server listens inside a container, as azureml-inference-server-http does."""
UV_CACHE = "pilothouse-uv-cache"


def server_tag(key: str) -> str:
    """Of the image that holds the scoring server and the tools of builds."""
    return f"pilothouse/server:{key[:24]}"


def packages_tag(key: str) -> str:
    """Of base and packages, without a server."""
    return f"pilothouse/packages:{key[:24]}"


def environment_tag(key: str, server_key: str) -> str:
    """Of base, packages and server."""
    return f"pilothouse/env:{key[:24]}-{server_key[:8]}"


def service_tag(workspace: str, service: str, revision: int, digest: str) -> str:
    """Of environment, models and source; `digest` is of what the last layers hold."""
    repository = _repository(f"{workspace}-{service}")
    return f"pilothouse/{repository}:r{revision}-{digest[:12]}"


def _repository(text: str) -> str:
    """As a repository's path component is written: lower case, single separators inside."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain or "service"
