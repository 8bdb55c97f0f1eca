"""Whether an engine has room for a revision: what was asked beside what it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.engines.records import EngineInfo
from backends.targets import host
from backends.targets.drivers.docker import labels
from backends.targets.drivers.docker.finding import Container
from backends.targets.drivers.docker.state import serving_at_all
from backends.targets.records import Preflight, ServiceSpec

_GB = 1_000_000_000
_NOT_LIMITED = "no limit asked"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
"""The kernel's word -> the image's."""
_LINUX = "linux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the engine has, and what holds some of it."""

    engine: EngineInfo
    containers: Sequence[Container]
    """All of the workspace."""
    ports: Mapping[int, str]
    """Taken ones, and by which service or container."""
    near: bool
    """The engine's machine is this one."""


def check_room(spec: ServiceSpec, room: Room, image: Mapping[str, Any]) -> tuple[Preflight, ...]:
    """All checks, failed or not; `image` is empty while there is none."""
    return (
        _cpu(spec, room),
        _memory(spec, room),
        *_gpu(spec, room),
        _port(spec, room),
        _platform(room, image),
    )


def _cpu(spec: ServiceSpec, room: Room) -> Preflight:
    asked = spec.resources.cpu_limit or spec.resources.cpu or 0.0
    wish = f"asked {_number(asked)} {'core' if asked == 1 else 'cores'}" if asked else _NOT_LIMITED
    return Preflight(
        name="cpu",
        ok=asked <= room.engine.cpus,
        detail=f"{wish}, the engine's machine has {room.engine.cpus}",
        fix="Ask for fewer cores (`cpu`), or deploy to a larger target.",
    )


def _memory(spec: ServiceSpec, room: Room) -> Preflight:
    """The engine promises memory that it does not have: limits of our own are summed."""
    each = spec.resources.memory_gb_limit or spec.resources.memory_gb or 0.0
    asked = each * spec.replicas
    total = room.engine.memory_bytes / _GB
    held = sum(_limit(c) for c in room.containers if not _is(c, spec.name)) / _GB
    fits = asked <= total
    wish = f"asked {_number(asked)} GB of memory" if asked else _NOT_LIMITED
    others = f", of which {held:.1f} are promised to other services" if held else ""
    return Preflight(
        name="memory",
        ok=fits and asked + held <= total,
        detail=f"{wish}, the engine's machine has {total:.1f}{others}",
        fix="Ask for less memory (`memoryInGB`), or deploy to a larger target.",
        blocking=not fits,
    )


def _gpu(spec: ServiceSpec, room: Room) -> tuple[Preflight, ...]:
    if not spec.resources.gpu:
        return ()
    has = "has" if room.engine.gpu else "has no runtime for"
    return (
        Preflight(
            name="gpu",
            ok=room.engine.gpu,
            detail=f"asked {spec.resources.gpu} GPU, the engine {has} them",
            fix="Install the NVIDIA container toolkit there, or ask for none.",
        ),
    )


def _port(spec: ServiceSpec, room: Room) -> Preflight:
    if not spec.port:
        return Preflight(name="port", ok=True, detail="a free port is chosen")
    holder = room.ports.get(spec.port, "")
    problem = f"port {spec.port} is taken by {holder}" if holder not in {"", spec.name} else ""
    if not holder and room.near:
        problem = host.port_problem(spec.host, spec.port)
    return Preflight(
        name="port",
        ok=not problem,
        detail=problem or f"port {spec.port} is {'its own' if holder else 'free'}",
        fix="Name another `port` in the deployment config, or leave it out for a free one.",
    )


def _platform(room: Room, image: Mapping[str, Any]) -> Preflight:
    """The image is for the engine's kind of machine; until there is one, it will be for Linux."""
    made_for, has = _LINUX, room.engine.os
    if image:
        kind = _ARCHITECTURES.get(room.engine.architecture, room.engine.architecture)
        made_for, has = f"{image.get('Os')}/{image.get('Architecture')}", f"{has}/{kind}"
    return Preflight(
        name="platform",
        ok=made_for == has,
        detail=f"the image is for {made_for}, the engine runs {has}",
        fix="Build the image on that engine, or choose a base image for its platform.",
    )


def _limit(container: Container) -> int:
    if not serving_at_all(container):
        return 0
    return int((container.get("HostConfig") or {}).get("Memory") or 0)


def _is(container: Container, service: str) -> bool:
    return labels.labels_of(container).get(labels.SERVICE) == service


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
