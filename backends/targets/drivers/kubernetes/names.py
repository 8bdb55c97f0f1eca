"""What is ours in a cluster: labels, and the names that follow from workspace and service.

The full spec, which holds no secret, is an annotation of the anchor and of the Deployment, so that
every console finds the same from the cluster alone.
"""

import re
from collections.abc import Mapping
from typing import Any

from backends.errors import IntegrityError, InvalidInput
from backends.targets.records import ServiceSpec
from backends.targets.specs import spec_from_json

MANAGED = "pilothouse/managed-by"
WORKSPACE = "pilothouse/workspace"
SERVICE = "pilothouse/service"
REVISION = "pilothouse/revision"
SPEC = "pilothouse/spec"
OURS = "pilothouse"
FIELD_MANAGER = "pilothouse"
CONTAINER = "server"
PORT_NAME = "http"

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def labels(workspace: str, service: str) -> dict[str, str]:
    """On everything of a service, and what its pods are selected by.

    Raises:
        InvalidInput: the workspace's name cannot be a label.
    """
    if not _LABEL.fullmatch(workspace):
        raise InvalidInput(
            f"The workspace '{workspace}' cannot be told by a label of a cluster.",
            fix="Use a workspace of letters, digits and dashes, at most 63.",
        )
    return {MANAGED: OURS, WORKSPACE: workspace, SERVICE: service}


def check(service: str) -> None:
    """See whether objects can have this name (RFC 1035, as a Service's).

    Raises:
        InvalidInput: they cannot.
    """
    if not _NAME.fullmatch(service):
        raise InvalidInput(
            f"'{service}' cannot be the name of objects in a cluster.",
            fix="Use lower-case letters, digits and dashes, beginning with a letter.",
        )


def selector(workspace: str, service: str = "") -> str:
    """For lists and watches: of one service, or of the whole workspace."""
    found = f"{MANAGED}={OURS},{WORKSPACE}={workspace}"
    return f"{found},{SERVICE}={service}" if service else found


def launch_name(spec: ServiceSpec) -> str:
    """Of the ConfigMap with a revision's launch file."""
    return f"{spec.name}-r{spec.revision}"


def pull_name(service: str) -> str:
    """Of the Secret with which nodes pull a service's image."""
    return f"{service}-pull"


def keys_name(service: str) -> str:
    """Of the Secret with a service's keys."""
    return f"{service}-keys"


def spec_of(found: Mapping[str, Any]) -> ServiceSpec | None:
    """The spec that an object carries; None when it has none that can be read."""
    text = (found["metadata"].get("annotations") or {}).get(SPEC)
    try:
        return spec_from_json(text) if text else None
    except IntegrityError:
        return None


def revision_of(found: Mapping[str, Any]) -> int:
    """The revision that an object's label names; 0 without one."""
    text = str((found["metadata"].get("labels") or {}).get(REVISION) or "0")
    return int(text) if text.isdigit() else 0
