"""All objects of a service, in the order in which they are applied.

One ConfigMap, the anchor, owns all others: deleting it deletes them. Kubernetes API 1.20 and newer;
`Features` says which versions of an API a cluster has.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from backends.scoring.launch import Launch
from backends.targets.drivers.kubernetes import names
from backends.targets.drivers.kubernetes.launching import KEYS_FILE, LAUNCH_FILE, PORT
from backends.targets.drivers.kubernetes.settings import Expose, Settings
from backends.targets.drivers.kubernetes.workload import deployment
from backends.targets.records import Autoscale, Keys, ServiceSpec
from backends.targets.specs import spec_to_json

HTTP_PORT = 80
"""Of the Service, as v1's front end had it."""


class Features(Struct, frozen=True, kw_only=True):
    """Versions of APIs that a cluster has, found by discovery."""

    autoscaling: str = "autoscaling/v1"
    """The newest of v2, v2beta2 and v1."""
    disruption: str = "policy/v1beta1"
    """`policy/v1` or `policy/v1beta1`; empty when neither is there."""


def anchor(spec: ServiceSpec) -> dict[str, Any]:
    """The owner of everything else."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": spec.name,
            "labels": names.labels(spec.workspace, spec.name),
            "annotations": {names.SPEC: spec_to_json(spec)},
        },
    }


def owned(
    spec: ServiceSpec,
    settings: Settings,
    features: Features,
    launch: Launch,
    keys: Keys | None,
    owner: Mapping[str, Any],
) -> tuple[dict[str, Any], ...]:
    """What the anchor owns.

    Args:
        spec: The revision.
        settings: Of the target.
        features: Of the cluster.
        launch: What the server runs.
        keys: None leaves the Secret as it is.
        owner: The anchor as the cluster holds it, with its `uid`.
    """
    found = [
        *([keys_secret(spec, keys)] if keys is not None else []),
        _launch_config(spec, launch),
        deployment(spec, settings),
        _service(spec, settings),
    ]
    scaled = spec.cluster.autoscale if spec.cluster else None
    if scaled is not None:
        found.append(_autoscaler(spec, scaled, features.autoscaling))
    if (scaled.minimum if scaled else spec.replicas) > 1 and features.disruption:
        found.append(_disruption_budget(spec, features.disruption))
    if settings.network_policy:
        found.append(_network_policy(spec))
    if settings.ingress_host:
        found.append(_ingress(spec, settings))
    return tuple(owned_by(one, owner) for one in found)


def keys_secret(spec: ServiceSpec, keys: Keys) -> dict[str, Any]:
    """Both keys in one file, as the server reads them."""
    text = json.dumps({"primary": keys.primary, "secondary": keys.secondary})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": _metadata(spec, names.keys_name(spec.name)),
        "data": {KEYS_FILE: base64.b64encode(text.encode()).decode()},
    }


def _launch_config(spec: ServiceSpec, launch: Launch) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "immutable": True,
        "metadata": _metadata(spec, names.launch_name(spec)),
        "data": {LAUNCH_FILE: launch.to_json()},
    }


def _service(spec: ServiceSpec, settings: Settings) -> dict[str, Any]:
    port: dict[str, Any] = {
        "name": names.PORT_NAME,
        "port": HTTP_PORT,
        "targetPort": names.PORT_NAME,
        "protocol": "TCP",
    }
    if settings.expose is Expose.NODE and spec.port:
        port["nodePort"] = spec.port
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(spec, spec.name),
        "spec": {
            "type": settings.expose.value,
            "selector": names.labels(spec.workspace, spec.name),
            "ports": [port],
        },
    }


def _autoscaler(spec: ServiceSpec, said: Autoscale, version: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.name},
        "minReplicas": said.minimum,
        "maxReplicas": said.maximum,
    }
    if version == "autoscaling/v1":
        wanted["targetCPUUtilizationPercentage"] = said.utilization
    else:
        target = {"type": "Utilization", "averageUtilization": said.utilization}
        wanted["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {
        "apiVersion": version,
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(spec, spec.name),
        "spec": wanted,
    }


def _disruption_budget(spec: ServiceSpec, version: str) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(spec, spec.name),
        "spec": {
            "minAvailable": 1,
            "selector": {"matchLabels": names.labels(spec.workspace, spec.name)},
        },
    }


def _network_policy(spec: ServiceSpec) -> dict[str, Any]:
    """Traffic to the service's port from its own namespace only."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(spec, spec.name),
        "spec": {
            "podSelector": {"matchLabels": names.labels(spec.workspace, spec.name)},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"podSelector": {}}],
                    "ports": [{"port": PORT, "protocol": "TCP"}],
                }
            ],
        },
    }


def _ingress(spec: ServiceSpec, settings: Settings) -> dict[str, Any]:
    backend = {"service": {"name": spec.name, "port": {"name": names.PORT_NAME}}}
    path = {"path": f"/api/v1/service/{spec.name}", "pathType": "Prefix", "backend": backend}
    wanted: dict[str, Any] = {"rules": [{"host": settings.ingress_host, "http": {"paths": [path]}}]}
    if settings.ingress_class:
        wanted["ingressClassName"] = settings.ingress_class
    if settings.tls_secret:
        wanted["tls"] = [{"hosts": [settings.ingress_host], "secretName": settings.tls_secret}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": _metadata(spec, spec.name),
        "spec": wanted,
    }


def _metadata(spec: ServiceSpec, name: str) -> dict[str, Any]:
    labels = names.labels(spec.workspace, spec.name) | {names.REVISION: str(spec.revision)}
    return {"name": name, "labels": labels}


def owned_by(found: dict[str, Any], owner: Mapping[str, Any]) -> dict[str, Any]:
    """The object, deleted with the anchor."""
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    return found | {"metadata": found["metadata"] | {"ownerReferences": [reference]}}
