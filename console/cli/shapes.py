"""Models and environments as dicts with the keys that `az ml` v1 prints."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins

from backends.configs.records import Environment
from backends.registry.records import ModelRow, ModelVersion, VersionDiff
from backends.targets.records import Resources
from console.cli.times import iso


def model_row(row: ModelRow) -> dict[str, Any]:
    """An item of `model list`."""
    return {
        "name": row.name,
        "id": row.id,
        "version": row.version,
        "framework": row.framework.value,
        "frameworkVersion": row.framework_version or None,
        "createdTime": iso(row.created),
    }


def full_model_row(row: ModelRow) -> dict[str, Any]:
    """An item of `model list -v`."""
    return model_row(row) | {
        "description": row.description,
        "tags": dict(row.tags),
        "size": row.size,
        "usedBy": row.used_by,
    }


def model(version: ModelVersion) -> dict[str, Any]:
    """The result of `model show`."""
    return {
        "name": version.name,
        "id": version.id,
        "version": version.version,
        "framework": version.framework.value,
        "frameworkVersion": version.framework_version or None,
        "createdTime": iso(version.created),
        "tags": dict(version.tags),
        "properties": dict(version.properties),
        "description": version.description,
        "experimentName": version.source.experiment or None,
        "runId": version.source.run_id or None,
        "cpu": version.resources.cpu,
        "memoryInGB": version.resources.memory_gb,
        "gpu": version.resources.gpu,
        "sampleInputDatasetId": version.sample_input or None,
        "sampleOutputDatasetId": version.sample_output or None,
    }


def full_model(version: ModelVersion) -> dict[str, Any]:
    """The result of `model show -v`: v1's serialised model, then what only this registry knows."""
    return {
        "createdTime": iso(version.created),
        "createdBy": version.created_by,
        "description": version.description,
        "id": version.id,
        "mimeType": "application/json",
        "name": version.name,
        "framework": version.framework.value,
        "frameworkVersion": version.framework_version or None,
        "tags": dict(version.tags),
        "properties": dict(version.properties),
        "unpack": False,
        "url": f"aml://asset/{version.id}",
        "version": version.version,
        "experimentName": version.source.experiment or None,
        "runId": version.source.run_id or None,
        "runDetails": None,
        "datasets": [],
        "resourceConfiguration": resources(version.resources),
        "sampleInputDatasetId": version.sample_input or None,
        "sampleOutputDatasetId": version.sample_output or None,
        "digest": version.digest,
        "size": version.size,
        "sourcePath": version.source.path or None,
        "verifiedTime": iso(version.verified),
        "files": [_file(file) for file in version.files],
        "schema": plain(to_builtins(version.schema)) if version.schema else None,
        "schemaProblem": version.schema_problem or None,
    }


def resources(asked: Resources) -> dict[str, Any] | None:
    """v1's `resourceConfiguration`; None when nothing was asked."""
    if asked == Resources():
        return None
    return {"cpu": asked.cpu, "memoryInGB": asked.memory_gb, "gpu": asked.gpu}


def difference(diff: VersionDiff) -> dict[str, Any]:
    """What `model show --compare-to` adds."""
    return {
        "added": [_file(file) for file in diff.added],
        "removed": [_file(file) for file in diff.removed],
        "changed": [{"before": _file(old), "after": _file(new)} for old, new in diff.changed],
        "fields": [
            {"field": field, "before": before, "after": after}
            for field, before, after in diff.fields
        ],
    }


def environment(found: Environment) -> dict[str, Any]:
    """The environment's own JSON, as `environment show` prints it."""
    from backends.configs.environment import emit_environment

    shape: dict[str, Any] = json.loads(emit_environment(found))
    return shape


def plain(value: Any) -> Any:
    """Records' values as JSON takes them: tuples are lists, mappings dicts, paths text."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _file(file: Any) -> dict[str, Any]:
    shape = {"path": file.path, "size": file.size, "sha256": file.sha256}
    return shape | (
        {"executesOnLoad": list(file.executes_on_load)} if file.executes_on_load else {}
    )
