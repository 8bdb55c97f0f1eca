"""The Deployment of a revision: restricted pods that take traffic only when they can answer.

`replicas` is never part of it: whoever scales (a person, an autoscaler) owns that field, and
applying it again would reset the number.
"""

import math
from typing import Any

from backends.targets.drivers.kubernetes import names, pulling
from backends.targets.drivers.kubernetes.launching import (
    CONFIG,
    DRAIN_SECONDS,
    KEYS,
    LAUNCH_FILE,
    PORT,
    RUN,
    SERVE,
    grace,
)
from backends.targets.drivers.kubernetes.settings import Settings
from backends.targets.records import Cluster, Liveness, Resources, ServiceSpec
from backends.targets.specs import spec_to_json

USER_ID = 10001
"""User and group of the server, as its image is made for."""
HISTORY = 5
"""ReplicaSets of earlier revisions that stay."""
_STARTUP_PERIOD = 3
_PULL_SECONDS = 600
"""Allowed for pulling the image, beside `init()`."""


def deployment(spec: ServiceSpec, settings: Settings) -> dict[str, Any]:
    """The Deployment of a revision, for server-side apply."""
    labels = names.labels(spec.workspace, spec.name)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": spec.name,
            "labels": labels | {names.REVISION: str(spec.revision)},
            "annotations": {names.SPEC: spec_to_json(spec)},
        },
        "spec": {
            "revisionHistoryLimit": HISTORY,
            "progressDeadlineSeconds": math.ceil(spec.limits.init_seconds) + _PULL_SECONDS,
            "selector": {"matchLabels": labels},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": _template(spec, settings),
        },
    }


def _template(spec: ServiceSpec, settings: Settings) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": math.ceil(DRAIN_SECONDS + grace(spec)) + 5,
        "containers": [_container(spec, settings)],
        "volumes": _volumes(spec),
    }
    if settings.node_selector:
        pod["nodeSelector"] = dict(settings.node_selector)
    if settings.tolerations:
        pod["tolerations"] = [_toleration(word) for word in settings.tolerations]
    if settings.pull_secret:
        pod["imagePullSecrets"] = [{"name": settings.pull_secret}]
    return {
        "metadata": {
            "labels": names.labels(spec.workspace, spec.name)
            | {names.REVISION: str(spec.revision)},
        },
        "spec": pod,
    }


def _container(spec: ServiceSpec, settings: Settings) -> dict[str, Any]:
    liveness = (spec.cluster or Cluster()).liveness
    mounts = [
        {"name": "config", "mountPath": CONFIG, "readOnly": True},
        {"name": "run", "mountPath": RUN},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the container
    ]
    if spec.auth:
        mounts.append({"name": "keys", "mountPath": KEYS, "readOnly": True})
    return {
        "name": names.CONTAINER,
        "image": pulling.reference(spec.image or "", settings),
        "imagePullPolicy": "IfNotPresent",
        "command": [SERVE],
        "args": ["--launch", f"{CONFIG}/{LAUNCH_FILE}"],
        "ports": [{"name": names.PORT_NAME, "containerPort": PORT}],
        "resources": resources(spec.resources, settings.accelerator),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "startupProbe": {
            **_get("/healthz"),
            "periodSeconds": _STARTUP_PERIOD,
            "timeoutSeconds": 2,
            "failureThreshold": math.ceil(spec.limits.init_seconds / _STARTUP_PERIOD),
        },
        "readinessProbe": {**_get("/readyz"), "periodSeconds": 5, "timeoutSeconds": 2},
        "livenessProbe": {**_get("/livez"), **_liveness(liveness)},
        "volumeMounts": mounts,
    }


def resources(asked: Resources, accelerator: str) -> dict[str, Any]:
    """Requests and limits; memory without a limit of its own is held to what was asked for."""
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    if asked.cpu:
        requests["cpu"] = _cores(asked.cpu)
    if asked.memory_gb:
        requests["memory"] = _bytes(asked.memory_gb)
    if asked.cpu_limit:
        limits["cpu"] = _cores(asked.cpu_limit)
    if memory := asked.memory_gb_limit or asked.memory_gb:
        limits["memory"] = _bytes(memory)
    if asked.gpu:
        limits[accelerator] = str(asked.gpu)
    return {key: found for key, found in (("requests", requests), ("limits", limits)) if found}


def _volumes(spec: ServiceSpec) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": "config", "configMap": {"name": names.launch_name(spec)}},
        {"name": "run", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if spec.auth:
        secret = {"secretName": names.keys_name(spec.name), "defaultMode": 0o440}
        found.append({"name": "keys", "secret": secret})
    return found


def _liveness(said: Liveness) -> dict[str, int]:
    return {
        "periodSeconds": said.period_seconds,
        "initialDelaySeconds": said.initial_delay_seconds,
        "timeoutSeconds": said.timeout_seconds,
        "successThreshold": said.success_threshold,
        "failureThreshold": said.failure_threshold,
    }


def _get(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": names.PORT_NAME}}


def _toleration(word: str) -> dict[str, str]:
    rest, _, effect = word.partition(":")
    key, equals, value = rest.partition("=")
    found = {"key": key, "operator": "Equal" if equals else "Exists"}
    if equals:
        found["value"] = value
    return found | ({"effect": effect} if effect else {})


def _cores(count: float) -> str:
    """A quantity of cores: whole thousandths, at least one."""
    return f"{max(1, round(count * 1000))}m"


def _bytes(gigabytes: float) -> str:
    return str(round(gigabytes * 1_000_000_000))
