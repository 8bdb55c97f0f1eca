"""The container of a revision: a `ServiceSpec` as the body of `POST /containers/create`.

Non-root, read-only, without capabilities; what it may write is its volume and a temporary folder
in memory. Docker Engine API 1.41.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.targets.drivers.docker import files, labels
from backends.targets.records import Resources, ServiceSpec

PORT = 5001
"""Where the server listens inside, as azureml-inference-server-http does."""
APP_ROOT = "/var/azureml-app"
CONTROL = "/opt/pilothouse/bin/pilothouse-control"
SERVE = "/opt/pilothouse/bin/pilothouse-serve"
ROUTE = "/opt/pilothouse/bin/pilothouse-router"
STOP_SECONDS = 35
"""The longest grace of the server and what it needs to end by itself."""
KEPT_RUNNING = "always"
"""Restart policy of what is to run. `unless-stopped` leaves a container down whose engine was
killed, because the engine itself ends it when it comes back (measured with 20.10)."""
_GB = 1_000_000_000
_SECOND = 1_000_000_000
"""Nanoseconds."""
_PIDS = 4096
_LOG_SIZE, _LOG_FILES = "16m", "4"
"""Engines before 23 lose lines of a followed log when it is rotated much below 10 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on the engine's machine the service answers."""

    host: str
    port: int


def create_body(
    spec: ServiceSpec,
    image: Mapping[str, Any],
    *,
    volume: str,
    replica: int = 1,
) -> dict[str, Any]:
    """The body for a container of `spec`.

    Args:
        spec: What is to run.
        image: `GET /images/{name}/json` of its image.
        volume: Its name.
        replica: Counted from 1.
    """
    return {
        "Image": image["Id"],
        "Entrypoint": [SERVE],
        "Cmd": ["--launch", f"{files.STATE}/{files.LAUNCH_FILE}"],
        "Labels": labels.container_labels(spec, replica=replica),
        "Healthcheck": _health(spec),
        **_program(image),
        "HostConfig": {**_limits(spec.resources), **_host_config(spec, volume)},
    }


def router_body(
    spec: ServiceSpec, image: Mapping[str, Any], place: Place, *, volume: str
) -> dict[str, Any]:
    """The body for the container that owns the port of `spec`'s service.

    Args:
        spec: Of the service.
        image: `GET /images/{name}/json` of an image that holds our server.
        place: Where it is published.
        volume: Its name.
    """
    binding = {"HostIp": place.host, "HostPort": str(place.port)}
    return {
        "Image": image["Id"],
        "Entrypoint": [ROUTE],
        "Cmd": ["serve", f"0.0.0.0:{PORT}"],
        "Labels": {
            **labels.service_labels(spec.workspace, spec.name),
            labels.ROLE: labels.ROUTER,
            labels.PORT: str(place.port),
        },
        "Healthcheck": {"Test": ["NONE"]},
        **_program(image),
        "HostConfig": {
            **_host_config(spec, volume),
            "PortBindings": {f"{PORT}/tcp": [binding]},
        },
    }


def _program(image: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "User": _user(image),
        "ExposedPorts": {f"{PORT}/tcp": {}},
        "StopSignal": "SIGTERM",
        "StopTimeout": STOP_SECONDS,
    }


def _host_config(spec: ServiceSpec, volume: str) -> dict[str, Any]:
    mount = {
        "Type": "volume",
        "Source": volume,
        "Target": files.STATE,
        "VolumeOptions": {"NoCopy": True},
    }
    log = {"max-size": _LOG_SIZE, "max-file": _LOG_FILES}
    return {
        **_confinement(),
        "Mounts": [mount],
        "NetworkMode": labels.group_name(spec.workspace, spec.name),
        "RestartPolicy": {"Name": KEPT_RUNNING},
        "LogConfig": {"Type": "json-file", "Config": log},
    }


def place_of(container: Mapping[str, Any]) -> Place | None:
    """Where an inspected container is published, running or not."""
    bindings = (container.get("HostConfig") or {}).get("PortBindings") or {}
    for binding in bindings.get(f"{PORT}/tcp") or ():
        text = str(binding.get("HostPort") or "")
        if text.isdecimal() and int(text):
            return Place(host=str(binding.get("HostIp") or "0.0.0.0"), port=int(text))
    return None


def _confinement() -> dict[str, Any]:
    return {
        "Init": True,
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "PidsLimit": _PIDS,
        "Tmpfs": {"/tmp": "rw,nosuid,nodev,mode=1777"},  # noqa: S108  # in the container
    }


def _limits(wanted: Resources) -> dict[str, Any]:
    """Docker reserves nothing: what is asked for is the limit unless another one is given."""
    found: dict[str, Any] = {}
    if cpu := wanted.cpu_limit or wanted.cpu:
        found["NanoCpus"] = round(cpu * 1_000_000_000)
    if memory := wanted.memory_gb_limit or wanted.memory_gb:
        found["Memory"] = found["MemorySwap"] = round(memory * _GB)
    if wanted.gpu:
        found["DeviceRequests"] = [
            {"Driver": "", "Count": wanted.gpu, "Capabilities": [["gpu"]], "Options": {}}
        ]
    return found


def _health(spec: ServiceSpec) -> dict[str, Any]:
    """The engine's own view, for `docker ps`; ours comes from the server itself."""
    return {
        "Test": ["CMD", CONTROL, "health"],
        "Interval": 15 * _SECOND,
        "Timeout": 10 * _SECOND,
        "Retries": 3,
        "StartPeriod": round(spec.limits.init_seconds * _SECOND),
    }


def _user(image: Mapping[str, Any]) -> str:
    """The image's own user when it is a number and not root."""
    user = str((image.get("Config") or {}).get("User") or "")
    own = user.partition(":")[0]
    return user if own.isdecimal() and int(own) else f"{files.USER_ID}:{files.USER_ID}"
