"""Whether a namespace's quotas let a revision's replicas in."""

from collections.abc import Mapping, Sequence
from typing import Any

from backends.errors import NotFound, Unauthorized
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.capacity import quantity
from backends.targets.drivers.kubernetes.workload import resources
from backends.targets.records import Preflight, ServiceSpec

Object = Mapping[str, Any]


async def check_quotas(
    api: Api, namespace: str, spec: ServiceSpec, accelerator: str
) -> tuple[Preflight, ...]:
    """One check a quota that one more replica would exceed; nothing where we may not ask."""
    try:
        path = f"/api/v1/namespaces/{namespace}/resourcequotas"
        found, _ = await api.list("look at quotas", path)
    except (Unauthorized, NotFound):
        return ()
    return exceeded(found, asked(spec, accelerator))


def asked(spec: ServiceSpec, accelerator: str) -> Mapping[str, str]:
    """What one pod counts for, by the words of a quota."""
    wanted = resources(spec.resources, accelerator)
    limits, requests = wanted.get("limits", {}), wanted.get("requests", {})
    requests = {**limits, **requests}  # a limit alone is a request as well
    told = {f"requests.{name}": amount for name, amount in requests.items()}
    told |= {f"limits.{name}": amount for name, amount in limits.items()}
    plain = {name: requests[name] for name in ("cpu", "memory") if name in requests}
    return told | plain | {"pods": "1", "count/pods": "1"}


def exceeded(quotas: Sequence[Object], wanted: Mapping[str, str]) -> tuple[Preflight, ...]:
    """The quotas that one more pod would exceed."""
    found = []
    for quota in quotas:
        status = quota.get("status") or {}
        hard, used = status.get("hard") or quota["spec"].get("hard") or {}, status.get("used") or {}
        name = str(quota["metadata"]["name"])
        for word, amount in wanted.items():
            if word in hard and quantity(used.get(word, 0)) + quantity(amount) > quantity(
                hard[word]
            ):
                detail = f"{name} allows {word}={hard[word]}, {used.get(word, 0)} are in use"
                found.append(_check(f"{detail}, a replica asks {amount}", name))
    return tuple(found)


def _check(detail: str, quota: str) -> Preflight:
    return Preflight(
        name="quota",
        ok=False,
        detail=detail,
        fix=f"Ask for less, or have the quota {quota} of the namespace raised.",
        blocking=False,
    )
