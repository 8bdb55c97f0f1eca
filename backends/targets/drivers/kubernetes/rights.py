"""What we need to be allowed in a namespace, asked of the cluster, and the Role that grants it."""

import asyncio
from typing import Any

from msgspec import Struct

from backends.targets.drivers.kubernetes.api import Api
from backends.targets.records import Preflight

ROLE = "pilothouse"


class Right(Struct, frozen=True):
    """Verbs on resources of one API group."""

    group: str
    """Empty is the core group."""
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    needed: bool = True
    """Without it nothing works; otherwise only what it is for."""


_READ = ("get", "list", "watch")
_WRITE = ("create", "patch", "delete")

RIGHTS = (
    Right("", ("configmaps", "services"), (*_READ, *_WRITE)),
    Right("", ("secrets",), ("get", *_WRITE)),
    Right("apps", ("deployments",), (*_READ, *_WRITE)),
    Right("apps", ("deployments/scale",), ("patch",)),
    Right("", ("pods",), (*_READ, "delete")),
    Right("", ("pods",), ("patch",), needed=False),
    Right("", ("pods/log",), ("get",)),
    Right("", ("events",), ("list", "watch"), needed=False),
    Right("", ("pods/portforward", "pods/exec"), ("get", "create"), needed=False),
    Right("autoscaling", ("horizontalpodautoscalers",), ("get", *_WRITE), needed=False),
    Right("policy", ("poddisruptionbudgets",), ("get", *_WRITE), needed=False),
    Right("networking.k8s.io", ("networkpolicies", "ingresses"), ("get", *_WRITE), needed=False),
    Right("", ("resourcequotas", "limitranges"), ("list",), needed=False),
    Right("metrics.k8s.io", ("pods",), ("list",), needed=False),
)
"""The least that a service's whole life takes; server-side apply is `create` and `patch`."""


def role(namespace: str) -> dict[str, Any]:
    """The minimal Role of a namespace, as an object to apply."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": ROLE, "namespace": namespace},
        "rules": [
            {
                "apiGroups": [right.group],
                "resources": list(right.resources),
                "verbs": list(right.verbs),
            }
            for right in RIGHTS
        ],
    }


async def check_rights(api: Api, namespace: str) -> tuple[Preflight, ...]:
    """Ask the cluster what we may do there; one check, which names every missing right.

    Raises:
        PilothouseError: the cluster could not be asked.
    """
    asked = [
        (right, resource, verb)
        for right in RIGHTS
        if right.needed
        for resource in right.resources
        for verb in right.verbs
    ]
    granted = await asyncio.gather(
        *(_may(api, namespace, right.group, resource, verb) for right, resource, verb in asked)
    )
    missing: dict[str, list[str]] = {}
    for (_, resource, verb), allowed in zip(asked, granted, strict=True):
        if not allowed:
            missing.setdefault(resource, []).append(verb)
    return (_told(namespace, missing),)


def _told(namespace: str, missing: dict[str, list[str]]) -> Preflight:
    said = "; ".join(f"{', '.join(verbs)} {resource}" for resource, verbs in missing.items())
    return Preflight(
        name="rights",
        ok=not missing,
        detail=f"not allowed in {namespace}: {said}" if missing else f"all there in {namespace}",
        fix="`pilothouse computetarget rbac` prints the Role that grants them: have it applied.",
    )


async def _may(api: Api, namespace: str, group: str, resource: str, verb: str) -> bool:
    name, _, sub = resource.partition("/")
    attributes = {"namespace": namespace, "group": group, "resource": name, "verb": verb}
    if sub:
        attributes["subresource"] = sub
    answer = await api.request(
        "tell what may be done",
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body={
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        },
    )
    return bool((answer.get("status") or {}).get("allowed"))


def as_yaml(namespace: str) -> str:
    """The Role as a file for `kubectl apply -f`, and how it is bound."""
    import yaml

    told = (
        f"# The least that Pilothouse needs in the namespace {namespace}. Bind it with:\n"
        f"# kubectl create rolebinding {ROLE} -n {namespace} --role={ROLE} --user=NAME\n"
    )
    return told + yaml.safe_dump(role(namespace), sort_keys=False)
