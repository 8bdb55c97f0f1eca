"""The launch file of a revision, as it lies in its container's volume."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backends.targets.drivers.docker.files import (
    CONTROL_SOCKET,
    DATA_FOLDER,
    KEYS_FILE,
    LAUNCH_FILE,
    RUN,
    START_FILE,
    STATE_FILE,
    File,
)
from backends.targets.drivers.docker.keyfiles import key_file
from backends.targets.drivers.docker.shape import APP_ROOT, PORT
from backends.targets.launches import grace, launch_of
from backends.targets.records import Keys, ServiceSpec

INTERPRETER = "pilothouse/interpreter"
"""Label of an image: path of the user's Python; empty for the server's own."""


def launch_files(spec: ServiceSpec, image: Mapping[str, Any], keys: Keys | None) -> list[File]:
    """All that the server finds in its volume at its start.

    Args:
        spec: What is to run.
        image: `GET /images/{name}/json` of its image.
        keys: None for a service that answers without.
    """
    found = [
        File(name=f"{RUN}/", mode=0o700),
        File(name=START_FILE, mode=0o600, data=launch(spec, image)),
        File(name=LAUNCH_FILE, mode=0o777, link=START_FILE),
    ]
    if keys is not None:
        found.append(key_file(keys))
    return found


def launch(spec: ServiceSpec, image: Mapping[str, Any], app_root: str = APP_ROOT) -> bytes:
    """The launch file of a revision.

    Args:
        spec: What is to run.
        image: `GET /images/{name}/json` of the container's image.
        app_root: Where its files are in the container.
    """
    labels: Mapping[str, str] = (image.get("Config") or {}).get("Labels") or {}
    found = replace(
        launch_of(spec),
        app_root=app_root,
        interpreter=labels.get(INTERPRETER) or None,
        host="0.0.0.0",
        port=PORT,
        keys_file=KEYS_FILE if spec.auth else None,
        control_socket=CONTROL_SOCKET,
        state_file=STATE_FILE,
        start_file=START_FILE,
        grace=grace(spec),
        data_dir=DATA_FOLDER,
    )
    return found.to_json().encode()
