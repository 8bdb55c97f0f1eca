"""Services as dicts with the keys that `az ml` v1 prints."""

from collections.abc import Sequence
from typing import Any

from backends.services.records import Revision, Service
from backends.targets.records import Keys
from console.cli.event_shapes import evidence
from console.cli.shapes import plain, resources
from console.cli.times import iso

MOST_REVISIONS = 10
"""Revisions that a terminal shows of a service, the newest."""


def service(found: Service) -> dict[str, Any]:
    """The result of `service show`, `model deploy`, and an item of `service list`."""
    return {
        "name": found.name,
        "imageId": found.spec.image,
        "updatedAt": iso(found.updated),
        "computeType": found.compute_type.upper(),
        "scoringUri": found.scoring_uri,
        "state": found.state.value,
        "tags": dict(found.spec.tags),
        "properties": dict(found.spec.properties),
        "environmentDetails": _environment(found),
    }


def full_service(found: Service, revisions: Sequence[Revision] = ()) -> dict[str, Any]:
    """The result of `service show -v`: v1's serialised service, then what only is known here.

    Args:
        found: The service.
        revisions: Its revisions, newest first.
    """
    spec = found.spec
    return {
        "name": found.name,
        "description": spec.description,
        "tags": dict(spec.tags),
        "properties": dict(spec.properties),
        "state": found.state.value,
        "createdTime": iso(found.created),
        "updatedTime": iso(found.updated),
        "error": _error(found),
        "computeType": found.compute_type.upper(),
        "workspaceName": spec.workspace,
        "imageId": spec.image,
        "imageDigest": None,
        "imageDetails": None,
        "scoringUri": found.scoring_uri,
        "swaggerUri": f"{found.url}/swagger.json" if found.url else None,
        "createdBy": (revisions[-1].actor or None) if revisions else None,
        "containerResourceRequirements": resources(spec.resources),
        "authEnabled": spec.auth,
        "dataCollection": spec.collect_data,
        "environmentDetails": _environment(found),
        "modelDetails": [{"id": m.id, "name": m.name, "version": m.version} for m in spec.models],
        "computeName": found.target,
        "maxConcurrentRequestsPerContainer": spec.limits.concurrency,
        "maxQueueWaitMs": spec.limits.queue_wait_ms,
        "scoringTimeoutMs": spec.limits.scoring_timeout_ms,
        "numReplicas": spec.replicas,
        "reason": found.reason,
        "phase": found.phase or None,
        "revision": spec.revision,
        "servingRevision": found.serving,
        "rollingOutRevision": found.rolling_out,
        "readyReplicas": found.ready,
        "wantedReplicas": found.wanted,
        "reachable": found.reachable,
        "observedTime": iso(found.seen),
        "revisions": [_revision(one) for one in revisions],
        "evidence": evidence(found.evidence),
    }


def service_sheet(found: Service, revisions: Sequence[Revision] = ()) -> dict[str, Any]:
    """What `service show` puts on a terminal."""
    models = " ".join(model.id for model in found.spec.models)
    return {
        "name": found.name,
        "state": found.state.value + ("" if found.reachable else " (last known)"),
        "reason": found.reason,
        "scoringUri": found.scoring_uri,
        "models": models,
        "target": found.target,
        "computeType": found.compute_type.upper(),
        "revision": found.spec.revision,
        "serving": found.serving,
        "replicas": f"{found.ready}/{found.wanted}",
        "keys": "needed" if found.spec.auth else "none",
        "updatedAt": iso(found.updated),
        "tags": dict(found.spec.tags),
        "revisions": "\n".join(map(_revision_line, revisions[:MOST_REVISIONS])),
    }


def service_cells(found: Service) -> dict[str, Any]:
    """A row of `service list` on a terminal."""
    return {
        "name": found.name,
        "updatedAt": iso(found.updated),
        "state": found.state.value + ("" if found.reachable else " (last known)"),
        "scoringUri": found.scoring_uri,
    }


def keys(both: Keys) -> dict[str, Any]:
    """The result of `service get-keys`."""
    return {"primaryKey": both.primary, "secondaryKey": both.secondary}


def _revision(one: Revision) -> dict[str, Any]:
    return {
        "revision": one.number,
        "createdTime": iso(one.created),
        "createdBy": one.actor or None,
        "note": one.note,
        "models": [model.id for model in one.spec.models],
    }


def _revision_line(one: Revision) -> str:
    models = " ".join(model.id for model in one.spec.models)
    return f"r{one.number}  {iso(one.created)}  {one.note}  {models}".rstrip()


def _environment(found: Service) -> dict[str, Any] | None:
    if not found.spec.environment_key:
        return None
    return {
        "key": found.spec.environment_key,
        "environmentVariables": plain(found.spec.variables),
    }


def _error(found: Service) -> dict[str, Any] | None:
    """v1's error object, while the service is in a state that has one."""
    if found.state.value not in {"Failed", "Unhealthy", "Unschedulable"}:
        return None
    return {"code": found.state.value, "message": found.reason}
