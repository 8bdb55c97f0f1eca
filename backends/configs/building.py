"""From values by attribute path to records and back, and to the mapping that a file holds."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from backends.configs.field import Field, Kind
from backends.configs.records import AutoScale, ImageRegistry, Probe, Tls
from backends.targets.records import Resources

_GROUPS: Mapping[str, type[Any]] = {
    "autoscale": AutoScale,
    "image_registry": ImageRegistry,
    "probe": Probe,
    "resources": Resources,
    "tls": Tls,
}
_UNSAID: tuple[object, ...] = (None, "", (), {}, [])
FRAGILE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that YAML folds or refuses unless they are escaped."""


def arguments(values: Mapping[str, object]) -> dict[str, Any]:
    """Return a record's arguments from values by attribute path; unsaid ones keep defaults."""
    nested = nest({path: value for path, value in values.items() if not unsaid(value)})
    return {
        name: _GROUPS[name](**value) if name in _GROUPS and isinstance(value, dict) else value
        for name, value in nested.items()
    }


def nest(values: Mapping[str, object]) -> dict[str, object]:
    """Turn dotted paths into mappings within mappings, in the order given."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *parents, last = path.split(".")
        level = tree
        for parent in parents:
            level = level.setdefault(parent, {})
        level[last] = value
    return tree


def unsaid(value: object) -> bool:
    """The value says no more than its absence does; false and 0 say something."""
    return not isinstance(value, bool | int | float) and value in _UNSAID


def value_at(record: object, path: str) -> object:
    """Return what a record holds at an attribute path; None below what is missing."""
    value = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return value


def values_of(record: object, fields: Sequence[Field], blank: object) -> dict[str, object]:
    """Return what a record says by attribute path, in table order.

    Args:
        record: A config.
        fields: The table's rows to look at.
        blank: The record with nothing said; what equals it is left out.
    """
    values = {field.attribute: value_at(record, field.attribute) for field in fields}
    return {
        path: value
        for path, value in values.items()
        if not unsaid(value) and value != value_at(blank, path)
    }


def file_mapping(
    values: Mapping[str, object], fields: Sequence[Field], *, secrets: bool
) -> dict[str, object]:
    """Return what a file holds: values by key path, in table order; secrets only when asked."""
    flat = {
        field.key: values[field.attribute]
        for field in fields
        if field.attribute in values and (secrets or not field.secret)
    }
    return nest({key: _listed(value) for key, value in flat.items()})


def as_json(mapping: Mapping[str, object]) -> str:
    """Write JSON that reads the same as YAML: separators of YAML are escaped."""
    text = json.dumps(mapping, indent=2, ensure_ascii=False)
    return FRAGILE.sub(lambda found: f"\\u{ord(found.group()):04x}", text) + "\n"


def typed(values: Mapping[str, object], fields: Sequence[Field]) -> dict[str, str]:
    """Return values as the texts that forms and flags hold, by field name."""
    return {
        field.name: _typed(values[field.attribute])
        for field in fields
        if field.attribute in values and field.kind not in {Kind.RAW, Kind.CONDA, Kind.ENVIRONMENT}
    }


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "\n".join(f"{name}={text}" for name, text in value.items())
    if isinstance(value, tuple):
        return "\n".join(map(str, value))
    return str(value)


def _listed(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value
