"""Whether this machine has room for a revision: what was asked beside what there is."""

import os

from backends.targets import host
from backends.targets.drivers.process import supervisor
from backends.targets.drivers.process.rundir import RunDir
from backends.targets.records import Preflight, ServiceSpec

_NOT_LIMITED = "no limit asked"
_DISK_NEEDED = 200_000_000
"""Bytes that logs and temporary files of one service need."""


def check_room(place: RunDir, spec: ServiceSpec) -> tuple[Preflight, ...]:
    """All checks, failed or not; a failed blocking one makes the service Unschedulable."""
    have = host.capacity()
    return (
        _cpu(spec, have),
        _memory(spec, have),
        *_gpu(spec, have),
        _port(place, spec),
        _disk(place),
        _interpreter(spec),
    )


def _cpu(spec: ServiceSpec, have: host.Capacity) -> Preflight:
    asked = (spec.resources.cpu or 0.0) * spec.replicas
    return Preflight(
        name="cpu",
        ok=asked <= have.cpus,
        detail=(f"asked {_number(asked)} {_cores(asked)}{_each(spec)}" if asked else _NOT_LIMITED)
        + f", this machine has {_number(have.cpus)}",
        fix="Ask for fewer cores (`cpu`), or deploy to a larger target.",
    )


def _memory(spec: ServiceSpec, have: host.Capacity) -> Preflight:
    asked = (spec.resources.memory_gb or 0.0) * spec.replicas
    free = have.memory_free_bytes / host.GB
    total = have.memory_bytes / host.GB
    fits = asked <= total
    wish = f"asked {_number(asked)} GB of memory{_each(spec)}" if asked else _NOT_LIMITED
    detail = f"{wish}, this machine has "
    return Preflight(
        name="memory",
        ok=fits and asked <= free,
        detail=detail + (f"{total:.1f}" if asked <= free or not fits else f"{free:.1f} free"),
        fix="Ask for less memory (`memoryInGB`), or deploy to a larger target.",
        blocking=not fits,
    )


def _gpu(spec: ServiceSpec, have: host.Capacity) -> tuple[Preflight, ...]:
    asked = (spec.resources.gpu or 0) * spec.replicas
    if not asked:
        return ()
    detail = f"asked {asked} GPU{'s' if asked > 1 else ''}, this machine has {have.gpus}"
    fix = "Ask for none, or deploy to a target that has them."
    return (Preflight(name="gpu", ok=asked <= have.gpus, detail=detail, fix=fix),)


def _port(place: RunDir, spec: ServiceSpec) -> Preflight:
    before = place.address
    port = spec.port or (before.port if before else None)
    if not port:
        return Preflight(name="port", ok=True, detail="a free port is chosen")
    ours = before and before.port == port and supervisor.alive(place)
    problem = "" if ours else host.port_problem(spec.host, port)
    return Preflight(
        name="port",
        ok=not problem,
        detail=problem or f"port {port} is {'its own' if ours else 'free'}",
        fix="Name another `port` in the deployment config, or leave it out for a free one.",
    )


def _disk(place: RunDir) -> Preflight:
    free = host.disk_free(place.root)
    return Preflight(
        name="disk",
        ok=free >= _DISK_NEEDED,
        detail=f"{free / host.GB:.1f} GB are free at {place.home}",
        fix="Free some space; `PILOTHOUSE_HOME` names another place.",
    )


def _interpreter(spec: ServiceSpec) -> Preflight:
    if spec.interpreter is None:
        return Preflight(name="interpreter", ok=True, detail="the server's own Python")
    runs = os.access(spec.interpreter, os.X_OK)
    return Preflight(
        name="interpreter",
        ok=runs,
        detail=str(spec.interpreter) if runs else f"{spec.interpreter} cannot be run",
        fix="Deploy again: the environment is built anew.",
    )


def _each(spec: ServiceSpec) -> str:
    return f" for {spec.replicas} replicas" if spec.replicas > 1 else ""


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _cores(count: float) -> str:
    return "core" if count == 1 else "cores"
