"""Files of our own in a service's image, besides the server."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from backends.images.containers import names
from backends.images.containers.tars import Entry
from backends.scoring.launch import Launch
from backends.targets.records import ServiceSpec


def state_entries(
    spec: ServiceSpec, interpreter: str, *, folder: str = names.STATE.lstrip("/")
) -> Iterator[Entry]:
    """The folder that the server writes in, with a launch file for `docker run` by hand.

    Args:
        spec: What is served.
        interpreter: The user's Python in the image; empty for the server's own.
        folder: Goes before each name.
    """
    launch = Launch(
        service=spec.name,
        revision=spec.revision,
        app_root=names.APP_ROOT,
        entry_script=spec.entry_script,
        source_directory=spec.source_directory,
        builtin=spec.builtin,
        model_dir=spec.model_dir,
        interpreter=interpreter or None,
        variables=dict(spec.variables),
        workers=spec.limits.concurrency,
        concurrency=spec.limits.concurrency,
        queue_wait_ms=spec.limits.queue_wait_ms,
        scoring_timeout_ms=spec.limits.scoring_timeout_ms,
        init_seconds=spec.limits.init_seconds,
        body_bytes=spec.limits.body_bytes,
        host="0.0.0.0",
        port=names.PORT,
        sample=spec.sample,
    )
    yield Entry(name=folder, mode=0o700, owner=names.USER_ID)
    data = json.dumps(asdict(launch), indent=1).encode()
    place = f"{folder}/launch.json".lstrip("/")
    yield Entry(name=place, data=data, mode=0o600, owner=names.USER_ID)
