"""A `ServiceSpec` as JSON, and back: what a target stores to find its services again."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from backends.errors import IntegrityError
from backends.targets.records import Limits, ModelRef, Resources, ServiceSpec


def spec_to_json(spec: ServiceSpec) -> str:
    """One line of JSON with sorted keys: equal specs give equal text."""
    return json.dumps(spec, default=_plain, sort_keys=True, separators=(",", ":"))


def spec_from_json(text: str | bytes) -> ServiceSpec:
    """The spec that `spec_to_json` wrote; keys of newer versions are ignored.

    Raises:
        IntegrityError: the text is not a spec.
    """
    try:
        data = _known(ServiceSpec, json.loads(text))
        for name in ("bundle", "interpreter"):
            if data.get(name) is not None:
                data[name] = Path(data[name])
        data["models"] = tuple(ModelRef(**_known(ModelRef, m)) for m in data.get("models", ()))
        data["resources"] = Resources(**_known(Resources, data.get("resources", {})))
        data["limits"] = Limits(**_known(Limits, data.get("limits", {})))
        return ServiceSpec(**data)
    except (ValueError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"A stored service description cannot be read: {error}.",
            fix="Deploy the service again, or delete it.",
        ) from error


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def _known(record: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(record)}
    return {key: value for key, value in data.items() if key in names}
