"""What kubelets and the API server write, without the layers that it went through."""

import re
from collections.abc import Mapping
from typing import Any

from backends.targets.drivers.kubernetes.capacity import quantity

_LAYERS = re.compile(r"rpc error: code = \w+ desc = |Error response from daemon: ")
_QUOTA = re.compile(
    r"exceeded quota: (?P<quota>[^,]+), requested: (?P<asked>.+), used: (?P<used>.+),"
    r" limited: (?P<most>.+)",
    re.DOTALL,
)
_REFUSED = re.compile(r'^pods "[^"]*" is forbidden: ')


def plain(message: str) -> str:
    """A message without the names of the programs that passed it on."""
    said = _LAYERS.sub("", message).strip()
    head, _, last = said.rpartition(": ")
    return head if last and head.endswith(f": {last}") else said


def not_made(message: str) -> str:
    """Why the cluster makes no pod; a quota is named with what it allows."""
    found = _QUOTA.search(message)
    if found is None:
        return _REFUSED.sub("", message)
    return (
        f"the quota {found['quota']} of the namespace is used up: asked {found['asked']},"
        f" in use {found['used']}, at most {found['most']}"
    )


def memory_limit(pod: Mapping[str, Any]) -> str:
    """How much memory the server's container may use, in brackets; empty without a limit."""
    for container in pod["spec"].get("containers") or ():
        limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
        if limit:
            return f" (its limit is {quantity(limit) / 1e9:.3g} GB)"
    return ""
