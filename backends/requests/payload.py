"""A request body to start from: the stored sample, the service's schema, the model's tensors."""

import json
from collections.abc import Mapping
from typing import Any

from backends.registry.records import ModelVersion, Tensor

MOST_ELEMENTS = 4096
"""A generated tensor holds no more numbers than this; larger ones are cut to a first slice."""


def sample_body(swagger: Mapping[str, Any] | None, model: ModelVersion | None) -> str:
    """Pretty JSON that the service should accept, or `{}` when nothing is known.

    The version's stored sample wins, then the example in the service's own schema, then zeros in
    the shape of the model's inputs.
    """
    if model is not None and model.sample_input.lstrip().startswith(("{", "[")):
        return _pretty(model.sample_input)
    example = _example(swagger) if swagger else None
    if example not in (None, {}, []):
        return _dump(example)
    if model is not None and model.schema is not None and model.schema.inputs:
        return _dump({tensor.name: _zeros(tensor) for tensor in model.schema.inputs})
    return "{}"


def _example(swagger: Mapping[str, Any]) -> Any:
    """`example` of ServiceInput, in Swagger 2 and OpenAPI 3 alike."""
    components = swagger.get("components")
    schemas = swagger.get("definitions") or (
        components.get("schemas") if isinstance(components, Mapping) else None
    )
    entry = schemas.get("ServiceInput") if isinstance(schemas, Mapping) else None
    return entry.get("example") if isinstance(entry, Mapping) else None


def _zeros(tensor: Tensor) -> Any:
    shape = [size if isinstance(size, int) and size > 0 else 1 for size in tensor.shape]
    value: Any = _zero(tensor.dtype)
    elements = 1
    for size in reversed(shape):
        elements *= size
        value = [value] * (size if elements <= MOST_ELEMENTS else 1)
    return value


def _zero(dtype: str) -> Any:
    if dtype.startswith("float"):
        return 0.0
    return {"bool": False, "str": "", "object": ""}.get(dtype, 0)


def _pretty(text: str) -> str:
    try:
        return _dump(json.loads(text))
    except ValueError:
        return text


def _dump(value: Any) -> str:
    """Indented, but a list of plain numbers stays on one line."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if len(text) < 400:
        return text
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else _rows(value)


def _rows(value: Any) -> str:
    if not isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    rows = (f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items())
    return "{\n" + ",\n".join(rows) + "\n}"
