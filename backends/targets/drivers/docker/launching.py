"""The launch file of a revision, as it lies in its container's volume."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from msgspec import to_builtins

from backends.scoring.launch import Launch
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
from backends.targets.records import Keys, ServiceSpec

INTERPRETER = "pilothouse/interpreter"
"""Label of an image: path of the user's Python; empty for the server's own."""
_MAX_GRACE = 30.0
_MOST_WORKERS = 1024


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


def grace(spec: ServiceSpec) -> float:
    """Seconds that requests in flight get when the service is stopped."""
    return min(_MAX_GRACE, spec.limits.scoring_timeout_ms / 1000)


def launch(spec: ServiceSpec, image: Mapping[str, Any], app_root: str = APP_ROOT) -> bytes:
    """The launch file of a revision.

    Args:
        spec: What is to run.
        image: `GET /images/{name}/json` of the container's image.
        app_root: Where its files are in the container.
    """
    labels: Mapping[str, str] = (image.get("Config") or {}).get("Labels") or {}
    found = Launch(
        service=spec.name,
        revision=spec.revision,
        app_root=app_root,
        entry_script=spec.entry_script,
        source_directory=spec.source_directory,
        builtin=spec.builtin,
        model_dir=spec.model_dir,
        interpreter=labels.get(INTERPRETER) or None,
        variables=dict(spec.variables),
        workers=1,
        concurrency=spec.limits.concurrency * _MOST_WORKERS,
        queue_wait_ms=spec.limits.queue_wait_ms,
        scoring_timeout_ms=spec.limits.scoring_timeout_ms,
        init_seconds=spec.limits.init_seconds,
        body_bytes=spec.limits.body_bytes,
        host="0.0.0.0",
        port=PORT,
        auth=spec.auth,
        keys_file=KEYS_FILE if spec.auth else None,
        control_socket=CONTROL_SOCKET,
        state_file=STATE_FILE,
        start_file=START_FILE,
        grace=grace(spec),
        sample=spec.sample,
        collect_data=spec.collect_data,
        data_dir=DATA_FOLDER,
        workspace=spec.workspace,
        models=[to_builtins(model) for model in spec.models],
    )
    return json.dumps(asdict(found), indent=1).encode()
