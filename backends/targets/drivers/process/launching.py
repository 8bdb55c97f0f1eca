"""Launch files of a service of this machine, and the bringing up of what they say."""

import dataclasses
from pathlib import Path

from backends.errors import Conflict, Unavailable
from backends.scoring.launch import Launch
from backends.targets import control, launches
from backends.targets.drivers.process import supervisor
from backends.targets.drivers.process.rundir import Address, RunDir
from backends.targets.launches import launch_of
from backends.targets.records import ServiceSpec


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
    """Seconds that requests in flight get; the most where nothing tells of the service."""
    return launches.grace(spec) if spec else launches.MOST_GRACE


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
    dataclasses.replace(
        launch_of(spec),
        app_root=str(root.absolute()),
        workers=spec.replicas,
        host=address.host,
        port=address.port,
        keys_file=str(place.keys_file) if spec.auth else None,
        control_socket=str(place.socket),
        log_file=str(place.log_file),
        state_file=str(place.state_file),
        data_dir=str(place.data_dir),
    ).save(path)
