"""An update changes only what it names: deployment configs laid over one another."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.configs.records import DeploymentConfig
from backends.errors import InvalidInput


def merge_deployment(
    running: DeploymentConfig, wanted: DeploymentConfig | None
) -> DeploymentConfig:
    """`running` with every value that `wanted` says.

    Raises:
        InvalidInput: they are for different compute types.
    """
    if wanted is None:
        return running
    if wanted.compute_type is not running.compute_type:
        raise InvalidInput(
            f"The service runs with computeType {running.compute_type}; an update cannot make it"
            f" {wanted.compute_type}.",
            fix="Deploy it anew with `pilothouse model deploy --overwrite`.",
        )
    merged: DeploymentConfig = _over(running, wanted)
    if wanted.replicas is not None and wanted.autoscale.enabled is None:
        merged = replace(merged, autoscale=replace(merged.autoscale, enabled=None))
    return merged


def _over(below: Any, above: Any) -> Any:
    """Field by field: what `above` leaves unsaid (None, empty) is taken from `below`."""
    said = {}
    for name in above.__struct_fields__:
        old, new = getattr(below, name), getattr(above, name)
        if isinstance(new, Struct):
            said[name] = _over(old, new)
        elif new is None or new == "" or new == {}:
            said[name] = old
        else:
            said[name] = new
    return replace(below, **said)
