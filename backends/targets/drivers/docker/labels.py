"""What is ours on an engine: labels, and the names that follow from workspace and service.

Only the labels count. Names are for people, and keep two consoles from making the same thing twice.
"""

import re
from collections.abc import Mapping
from typing import Any

from backends.errors import IntegrityError, InvalidInput
from backends.targets.records import ServiceSpec
from backends.targets.specs import spec_from_json, spec_to_json

MANAGED = "pilothouse/managed-by"
WORKSPACE = "pilothouse/workspace"
SERVICE = "pilothouse/service"
REVISION = "pilothouse/revision"
REPLICA = "pilothouse/replica"
ROLE = "pilothouse/role"
KEY_VERSION = "pilothouse/key-version"
SPEC = "pilothouse/spec"
PORT = "pilothouse/port"
"""The published port, which lists of containers tell of running ones only."""

OURS = "pilothouse"
SERVER, ROUTER = "server", "router"
"""Roles of containers."""
_WORD = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}")


def service_labels(workspace: str, service: str) -> dict[str, str]:
    """On everything of a service."""
    return {MANAGED: OURS, WORKSPACE: workspace, SERVICE: service}


def container_labels(spec: ServiceSpec, *, role: str = SERVER, replica: int = 1) -> dict[str, str]:
    """On a container of a revision."""
    return {
        **service_labels(spec.workspace, spec.name),
        REVISION: str(spec.revision),
        REPLICA: str(replica),
        ROLE: role,
        KEY_VERSION: "1" if spec.auth else "0",
        SPEC: spec_to_json(spec),
    }


def filters(workspace: str, service: str = "") -> dict[str, list[str]]:
    """For lists of what is ours: of one service, or of the whole workspace."""
    found = [f"{MANAGED}={OURS}", f"{WORKSPACE}={workspace}"]
    return {"label": [*found, f"{SERVICE}={service}"] if service else found}


def group_name(workspace: str, service: str) -> str:
    """Of a service's network; the beginning of its containers' names.

    Raises:
        InvalidInput: one of the words could not be part of a name.
    """
    for word in (workspace, service):
        if not _WORD.fullmatch(word):
            raise InvalidInput(
                f"'{word}' cannot be part of a container's name.",
                fix="Use letters, digits and dashes, at most 63.",
            )
    return f"pilothouse.{workspace}.{service}"


def container_name(spec: ServiceSpec, *, role: str = SERVER, replica: int = 1) -> str:
    """Of a container and of its volume."""
    tail = f"r{spec.revision}.{replica}" if role == SERVER else role
    return f"{group_name(spec.workspace, spec.name)}.{tail}"


def labelled_spec(container: Mapping[str, Any]) -> ServiceSpec | None:
    """The spec that an inspected container carries; None when it cannot be read."""
    text = labels_of(container).get(SPEC)
    try:
        return spec_from_json(text) if text else None
    except IntegrityError:
        return None


def labels_of(container: Mapping[str, Any]) -> Mapping[str, str]:
    """Labels of an inspected container."""
    return (container.get("Config") or {}).get("Labels") or {}
