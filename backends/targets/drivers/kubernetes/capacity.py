"""What a cluster's nodes have free, and whether a revision finds room there."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from backends.errors import Unauthorized
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.records import Preflight, ServiceSpec

_GB = 1_000_000_000
_SUFFIXES = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
}  # fmt: skip
_PURPOSES = {"fastprod": (3, 12.0), "devtest": (1, 2.0)}
"""Cluster purpose -> fewest nodes and virtual processors (Azure ML v1)."""


class Node(Struct, frozen=True, kw_only=True):
    """One node that takes pods."""

    name: str
    cpus: float
    memory_bytes: float
    free_cpus: float
    free_memory: float
    accelerators: Mapping[str, float]
    free_accelerators: Mapping[str, float]


async def nodes(api: Api) -> tuple[Node, ...] | None:
    """The cluster's nodes; None where we may not ask."""
    try:
        found, _ = await api.list("look at the nodes", "/api/v1/nodes")
        query = {"fieldSelector": "status.phase!=Succeeded,status.phase!=Failed"}
        pods, _ = await api.list("look at all pods", "/api/v1/pods", **query)
    except Unauthorized:
        return None
    return tuple(
        _node(node, [pod for pod in pods if pod["spec"].get("nodeName") == _name(node)])
        for node in found
        if not node["spec"].get("unschedulable")
    )


def quantity(text: object) -> float:
    """A Kubernetes quantity, `100m`, `2Gi` or `3`, as a number."""
    said = str(text)
    number = said.rstrip("numkKMGTPi")
    try:
        return float(number) * _SUFFIXES.get(said[len(number) :], 1.0)
    except ValueError:
        return 0.0


def check_room(
    spec: ServiceSpec, found: Sequence[Node] | None, accelerator: str
) -> tuple[Preflight, ...]:
    """What was asked for one replica beside what the largest free node has."""
    if not found:
        detail = "the nodes may not be looked at: the cluster tells when it is applied"
        return (Preflight(name="capacity", ok=True, detail=detail),)
    asked_cpu, asked_memory = spec.resources.cpu or 0.0, (spec.resources.memory_gb or 0.0) * _GB
    most_cpus, most_memory = max(n.cpus for n in found), max(n.memory_bytes for n in found)
    free_cpus, free_memory = max(n.free_cpus for n in found), max(n.free_memory for n in found)
    checks = [
        Preflight(
            name="cpu",
            ok=asked_cpu <= free_cpus,
            detail=f"asked {asked_cpu:g} cores a replica, the freest node has {free_cpus:.2g}"
            f" of {most_cpus:g} free",
            fix="Ask for fewer cores (`cpu`), or add a node.",
            blocking=asked_cpu > most_cpus,
        ),
        Preflight(
            name="memory",
            ok=asked_memory <= free_memory,
            detail=f"asked {asked_memory / _GB:g} GB a replica, the freest node has"
            f" {free_memory / _GB:.3g} of {most_memory / _GB:.3g} free",
            fix="Ask for less memory (`memoryInGB`), or add a node.",
            blocking=asked_memory > most_memory,
        ),
    ]
    if asked := spec.resources.gpu:
        most = max(n.accelerators.get(accelerator, 0.0) for n in found)
        free = max(n.free_accelerators.get(accelerator, 0.0) for n in found)
        checks.append(
            Preflight(
                name="gpu",
                ok=asked <= free,
                detail=f"asked {asked} {accelerator} a replica, the freest node has {free:g}"
                f" of {most:g} free",
                fix="Ask for fewer (`gpuCores`), or add a node that has them.",
                blocking=asked > most,
            )
        )
    return tuple(checks)


def check_purpose(purpose: str, found: Sequence[Node] | None) -> tuple[Preflight, ...]:
    """Whether a cluster is as large as v1 wanted it for its purpose."""
    wanted = _PURPOSES.get(purpose.lower())
    if wanted is None or found is None:
        return ()
    least_nodes, least_cpus = wanted
    cpus = sum(node.cpus for node in found)
    return (
        Preflight(
            name="purpose",
            ok=len(found) >= least_nodes and cpus >= least_cpus,
            detail=f"{purpose} wants {least_nodes} nodes and {least_cpus:g} virtual processors;"
            f" the cluster has {len(found)} and {cpus:g}",
            fix="Attach it with the purpose DevTest, or add nodes.",
            blocking=False,
        ),
    )


def _node(node: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> Node:
    has = node["status"].get("allocatable") or {}
    used: dict[str, float] = {}
    for pod in pods:
        for container in pod["spec"].get("containers") or ():
            for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
                used[name] = used.get(name, 0.0) + quantity(amount)
    extended = {name: quantity(amount) for name, amount in has.items() if "/" in name}
    return Node(
        name=_name(node),
        cpus=quantity(has.get("cpu", 0)),
        memory_bytes=quantity(has.get("memory", 0)),
        free_cpus=quantity(has.get("cpu", 0)) - used.get("cpu", 0.0),
        free_memory=quantity(has.get("memory", 0)) - used.get("memory", 0.0),
        accelerators=extended,
        free_accelerators={name: n - used.get(name, 0.0) for name, n in extended.items()},
    )


def _name(node: Mapping[str, Any]) -> str:
    return str(node["metadata"]["name"])
