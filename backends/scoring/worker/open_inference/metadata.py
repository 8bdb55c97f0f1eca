"""A model's inputs and outputs in the protocol's words, from what its runner says of itself."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    Spec = Dict[str, Any]

BODY = "body"
OUTPUT = "output"
LEAVES = {"integer": "INT64", "number": "FP64", "boolean": "BOOL", "string": "BYTES"}
FORMATS = {"int32": "INT32", "float": "FP32"}


def of(description: "Dict[str, Any]") -> "Dict[str, Any]":
    """Platform, inputs, outputs, the mode, and in `texts` the inputs that are JSON in one value.

    A runner that knows its tensors says them itself. A script with a schema has an input for each
    of its parameters: a tensor where the schema is one, else one BYTES value that is JSON. A script
    without a schema has one BYTES input, the body, and one BYTES output, the answer's body.
    """
    found: "Dict[str, Any]" = {"platform": "python", "mode": description["mode"], "texts": []}
    if "tensors" in description:
        found.update(description["tensors"])
    elif description["mode"] == "schema":
        properties = (description.get("input") or {}).get("properties", {})
        found["inputs"] = [_spec(name, properties[name]) for name in properties]
        found["outputs"] = _outputs(description.get("output") or {})
        found["texts"] = [name for name in properties if not is_tensor(properties[name])]
    else:
        found["inputs"] = found["outputs"] = [_spec(BODY, None)]
    return found


def is_tensor(schema: "Any") -> bool:
    """A JSON schema of numbers, booleans or strings, alone or in evenly nested arrays."""
    return _leaf(schema) is not None


def _outputs(schema: "Spec") -> "List[Spec]":
    properties = schema.get("properties")
    if properties and all(is_tensor(inner) for inner in properties.values()):
        return [_spec(name, inner) for name, inner in properties.items()]
    return [_spec(OUTPUT, schema)]


def _spec(name: str, schema: "Any") -> "Spec":
    datatype = _leaf(schema)
    depth = 0
    while datatype and schema.get("type") == "array":
        schema, depth = schema["items"], depth + 1
    return {"name": name, "datatype": datatype or "BYTES", "shape": [-1] * depth or [1]}


def _leaf(schema: "Any") -> "Optional[str]":
    while isinstance(schema, dict) and schema.get("type") == "array":
        schema = schema.get("items")
    if not isinstance(schema, dict) or schema.get("type") not in LEAVES:
        return None
    return FORMATS.get(str(schema.get("format"))) or LEAVES[schema["type"]]
