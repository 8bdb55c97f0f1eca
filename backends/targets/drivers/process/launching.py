"""Launch files of a service of this machine, and the bringing up of what they say."""

import dataclasses
from pathlib import Path

from msgspec import to_builtins

from backends.errors import Conflict, Unavailable
from backends.scoring.launch import Launch
from backends.targets import control
from backends.targets.drivers.process import supervisor
from backends.targets.drivers.process.rundir import Address, RunDir
from backends.targets.records import ServiceSpec

_MAX_GRACE = 30.0
_MOST_WORKERS = 1024
"""A worker runs one request at a time, so their number is the limit; the launch file's own limit
only has to lie above whatever they are scaled to later."""


def start(place: RunDir, revision: int) -> None:
    """Start the supervisor with a revision that has a launch file."""
    path = place.launch_file(revision)
    launch = dataclasses.replace(Launch.load(path), control_socket=str(place.socket))
    launch.save(path)
    place.stopped_file.unlink(missing_ok=True)
    place.state_file.unlink(missing_ok=True)
    supervisor.start(place, path, place.socket)


async def swap(place: RunDir, revision: int) -> bool:
    """Have the running supervisor bring up another revision; False when it cannot be reached.

    Raises:
        Conflict: it refused.
    """
    process = place.process
    assert process is not None
    request = {"op": "swap", "launch": str(place.launch_file(revision))}
    try:
        await control.command(Path(process.socket), request)
    except Unavailable:
        return False
    return True


def grace(spec: ServiceSpec | None) -> float:
    """Seconds that requests in flight get when the service is stopped."""
    return min(_MAX_GRACE, spec.limits.scoring_timeout_ms / 1000) if spec else _MAX_GRACE


def served(place: RunDir) -> int:
    """The revision to start again: the one that served last, else the one applied last.

    Raises:
        Conflict: the folder does not tell.
    """
    last = place.stopped_at or place.serving
    if last is not None and place.launch_file(last).exists():
        return last
    spec = place.spec()
    if spec is None:
        raise Conflict(f"Service {place.name} has no description.", fix="Deploy it again.")
    return spec.revision


def write(place: RunDir, spec: ServiceSpec, address: Address) -> None:
    """Write the launch file of a revision."""
    path = place.launch_file(spec.revision)
    path.parent.mkdir(parents=True, exist_ok=True)
    root = spec.bundle or path.parent / "app"
    if spec.bundle is None:
        root.mkdir(exist_ok=True)
    Launch(
        service=spec.name,
        revision=spec.revision,
        app_root=str(root.absolute()),
        entry_script=spec.entry_script,
        source_directory=spec.source_directory,
        builtin=spec.builtin,
        model_dir=spec.model_dir,
        interpreter=str(spec.interpreter) if spec.interpreter else None,
        variables=dict(spec.variables),
        workers=spec.replicas,
        concurrency=spec.limits.concurrency * _MOST_WORKERS,
        queue_wait_ms=spec.limits.queue_wait_ms,
        scoring_timeout_ms=spec.limits.scoring_timeout_ms,
        init_seconds=spec.limits.init_seconds,
        body_bytes=spec.limits.body_bytes,
        host=address.host,
        port=address.port,
        auth=spec.auth,
        keys_file=str(place.keys_file) if spec.auth else None,
        control_socket=str(place.socket),
        log_file=str(place.log_file),
        state_file=str(place.state_file),
        sample=spec.sample,
        collect_data=spec.collect_data,
        data_dir=str(place.data_dir),
        workspace=place.workspace,
        models=[to_builtins(model) for model in spec.models],
    ).save(path)
