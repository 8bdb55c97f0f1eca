"""Brings a service to a revision: its objects are applied in order, the cluster does the rest."""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from backends.errors import Conflict, InvalidInput, NotFound, Unauthorized
from backends.targets.drivers.kubernetes import names, pulling
from backends.targets.drivers.kubernetes.api import MERGE, Api, Object
from backends.targets.drivers.kubernetes.features import features
from backends.targets.drivers.kubernetes.launching import launch
from backends.targets.drivers.kubernetes.objects import (
    Features,
    anchor,
    keys_secret,
    owned,
    owned_by,
)
from backends.targets.drivers.kubernetes.settings import Settings
from backends.targets.drivers.kubernetes.state import STOPPED
from backends.targets.records import Keys, ServiceSpec

KEYS_CHANGED = "pilothouse/keys-changed"
"""Annotation of a pod: when its Secret changed last."""
COLLECTIONS: Mapping[str, str] = {
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "Deployment": "deployments",
    "Service": "services",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "NetworkPolicy": "networkpolicies",
    "Ingress": "ingresses",
}
"""Kind -> the word in its path."""


def collection(namespace: str, kind: str, version: str) -> str:
    """Path of a kind's objects in a namespace."""
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    return f"{root}/namespaces/{namespace}/{COLLECTIONS[kind]}"


async def apply(
    api: Api, namespace: str, spec: ServiceSpec, settings: Settings, keys: Keys | None
) -> None:
    """Create the service's objects or change them; the rollout goes on in the cluster.

    Raises:
        InvalidInput: there is no image, or the cluster does not take a value.
        Conflict: the name belongs to something else in that namespace.
    """
    if not spec.image:
        raise InvalidInput(f"Service {spec.name} has no image.", fix="Deploy it again.")
    await make_namespace(api, namespace)
    await _refuse_foreign(api, namespace, spec)
    has = await features(api)
    maps = collection(namespace, "ConfigMap", "v1")
    owner = await api.apply(f"make {spec.name}", maps, anchor(spec))
    if secret := await asyncio.to_thread(pulling.pull_secret, spec, settings):
        path = collection(namespace, "Secret", "v1")
        await api.apply(f"give {spec.name} its registry login", path, owned_by(secret, owner))
        settings = replace(settings, pull_secret=secret["metadata"]["name"])
    program = launch(spec)
    for wanted in owned(spec, settings, has, program, keys, owner):
        path = collection(namespace, wanted["kind"], wanted["apiVersion"])
        await api.apply(f"apply the {wanted['kind']} of {spec.name}", path, wanted)
    await _remove_unwanted(api, namespace, spec, settings, has)
    if not (spec.cluster and spec.cluster.autoscale):
        await scale(api, namespace, spec.name, spec.replicas)


async def make_namespace(api: Api, namespace: str) -> None:
    """See that the namespace is there; who may not look is taken to have been given one.

    Raises:
        Unauthorized: it is not, and may not be made.
    """
    try:
        await api.get(f"look at the namespace {namespace}", f"/api/v1/namespaces/{namespace}")
    except Unauthorized:
        return
    except NotFound:
        wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        what = f"make the namespace {namespace}"
        try:
            await api.request(what, "POST", "/api/v1/namespaces", body=wanted)
        except Unauthorized as error:
            raise Unauthorized(
                error.what,
                fix=f"Have it made (`kubectl create namespace {namespace}`), or attach the"
                " cluster with the `--namespace` that is yours.",
            ) from error


async def scale(api: Api, namespace: str, service: str, replicas: int) -> None:
    """Set the number of replicas, and with more than none take back that it was stopped."""
    path = f"{collection(namespace, 'Deployment', 'apps/v1')}/{service}"
    what = f"scale {service}"
    if replicas:
        unstopped = {"metadata": {"annotations": {STOPPED: None}}}
        await api.request(what, "PATCH", path, body=unstopped, kind=MERGE)
    wanted = {"spec": {"replicas": replicas}}
    await api.request(what, "PATCH", f"{path}/scale", body=wanted, kind=MERGE)


async def stop(api: Api, namespace: str, found: Mapping[str, Any]) -> None:
    """No replicas, and a note of how many there were; an autoscaler rests meanwhile."""
    service = str(found["metadata"]["name"])
    path = f"{collection(namespace, 'Deployment', 'apps/v1')}/{service}"
    replicas = int(found["spec"].get("replicas", 1))
    if replicas:
        note = {"metadata": {"annotations": {STOPPED: str(replicas)}}}
        await api.request(f"stop {service}", "PATCH", path, body=note, kind=MERGE)
        await scale(api, namespace, service, 0)


async def put_keys(api: Api, namespace: str, spec: ServiceSpec, keys: Keys) -> None:
    """Replace the Secret's content; the pods find it within the kubelet's sync period."""
    wanted = keys_secret(spec, keys)
    path = f"{collection(namespace, 'Secret', 'v1')}/{names.keys_name(spec.name)}"
    body = {"data": wanted["data"]}
    await api.request(f"change the keys of {spec.name}", "PATCH", path, body=body, kind=MERGE)


async def nudge(api: Api, namespace: str, pods: Sequence[Mapping[str, Any]]) -> None:
    """Change the pods a little: kubelets then look at their volumes at once, not once a minute."""
    note = {"metadata": {"annotations": {KEYS_CHANGED: str(time.time())}}}
    for pod in pods:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
        with contextlib.suppress(NotFound, Unauthorized):
            await api.request("have new keys taken", "PATCH", path, body=note, kind=MERGE)


async def delete(api: Api, namespace: str, service: str) -> None:
    """Delete the anchor, and with it all that it owns; absent is no error."""
    path = f"{collection(namespace, 'ConfigMap', 'v1')}/{service}"
    query = {"propagationPolicy": "Foreground"}
    try:
        await api.request(f"delete {service}", "DELETE", path, query=query)
    except NotFound:
        return


async def _refuse_foreign(api: Api, namespace: str, spec: ServiceSpec) -> None:
    for kind, version in (("ConfigMap", "v1"), ("Deployment", "apps/v1"), ("Service", "v1")):
        path = f"{collection(namespace, kind, version)}/{spec.name}"
        try:
            found: Object = await api.get(f"look at {spec.name}", path)
        except NotFound:
            continue
        if found["metadata"].get("deletionTimestamp"):
            raise Conflict(
                f"Service {spec.name} is still being deleted in the namespace {namespace}.",
                fix="Deploy it once it is gone: its last requests are being answered.",
            )
        said = found["metadata"].get("labels") or {}
        ours = names.labels(spec.workspace, spec.name)
        if not ours.items() <= said.items():
            owner = said.get(names.WORKSPACE)
            whose = f"of the workspace {owner}" if owner else "that is not ours"
            raise Conflict(
                f"The namespace {namespace} has a {kind} '{spec.name}' {whose}.",
                fix="Choose another name for the service, or another namespace.",
            )


async def _remove_unwanted(
    api: Api, namespace: str, spec: ServiceSpec, settings: Settings, has: Features
) -> None:
    """What an earlier revision had, and this one has not."""
    scaled = spec.cluster.autoscale if spec.cluster else None
    least = scaled.minimum if scaled else spec.replicas
    unwanted = [
        ("HorizontalPodAutoscaler", has.autoscaling, scaled is None),
        ("PodDisruptionBudget", has.disruption, least < 2),
        ("NetworkPolicy", "networking.k8s.io/v1", not settings.network_policy),
        ("Ingress", "networking.k8s.io/v1", not settings.ingress_host),
    ]
    for kind, version, gone in unwanted:
        if gone and version:
            path = f"{collection(namespace, kind, version)}/{spec.name}"
            try:
                await api.request(f"remove the {kind} of {spec.name}", "DELETE", path)
            except NotFound:
                continue
