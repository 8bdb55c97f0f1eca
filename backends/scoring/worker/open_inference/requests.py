"""An inference request taken apart, and its response put together; JSON with binary data or not."""

import json
from urllib.parse import unquote

from ..messages import Answer, BadRequest
from . import tensors
from .tensors import BYTES, CODES, Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from ..messages import Request


class Asked:
    """Which model, which inputs, which outputs, and how they go back."""

    def __init__(self, model: str, version: str, fields: "Dict[str, Any]") -> None:
        self.model = model
        self.version = version
        self.id: "Optional[str]" = fields.get("id")
        self.parameters: "Dict[str, Any]" = _parameters(fields)
        self.inputs: "Dict[str, Tensor]" = {}
        self.outputs: "Dict[str, bool]" = {}
        """Outputs that were asked for, with whether each goes back as binary data; empty: all."""
        if self.id is not None and not isinstance(self.id, str):
            raise BadRequest(400, "id should be a string")

    def binary(self, name: str) -> bool:
        """An output goes back as binary data."""
        return self.outputs.get(name, self.parameters.get("binary_data_output") is True)


def read(request: "Request") -> Asked:
    """Take a request apart; its target is `/v2/models/NAME/versions/VERSION/infer[?SIZE]`.

    Raises:
        BadRequest: It is no inference request.
    """
    path, _, size = str(request.target).partition("?")
    _, _, _, model, _, version, _ = path.split("/")
    head, rest = _split(request.body, size)
    try:
        fields = json.loads(head.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadRequest(400, "the request could not be decoded as JSON: {}".format(error))
    if not isinstance(fields, dict) or not isinstance(fields.get("inputs"), list):
        raise BadRequest(400, "the request should be a JSON object with a list of inputs")
    asked = Asked(unquote(model), unquote(version), fields)
    for entry in fields["inputs"]:
        tensor, rest = _input(entry, rest)
        if tensor.name in asked.inputs:
            raise BadRequest(400, "input {} is given twice".format(tensor.name))
        asked.inputs[tensor.name] = tensor
    if rest:
        message = "{} bytes of binary data belong to no input".format(len(rest))
        raise BadRequest(400, message)
    outputs = fields.get("outputs")
    if outputs is not None and not isinstance(outputs, list):
        raise BadRequest(400, "outputs should be a list")
    for entry in outputs or ():
        _output(asked, entry)
    return asked


def response(asked: Asked, outputs: "List[Tensor]", run_ms: "Optional[float]") -> Answer:
    """The answer: JSON alone, or JSON and behind it the outputs that go back as binary data."""
    fields: "Dict[str, Any]" = {"model_name": asked.model, "model_version": asked.version}
    if asked.id is not None:
        fields["id"] = asked.id
    described, pieces = [], []
    for tensor in outputs:
        entry: "Dict[str, Any]" = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": tensor.shape,
        }
        if asked.binary(tensor.name):
            data = tensors.raw(tensor)
            entry["parameters"] = {"binary_data_size": len(data)}
            pieces.append(data)
        else:
            entry["data"] = _json_values(tensor)
        described.append(entry)
    fields["outputs"] = described
    head = json.dumps(fields).encode("ascii")
    if not pieces:
        return Answer(200, head, run_ms=run_ms)
    headers = [
        ["content-type", "application/octet-stream"],
        ["Inference-Header-Content-Length", str(len(head))],
    ]
    return Answer(200, b"".join([head] + pieces), headers, run_ms)


def _json_values(tensor: Tensor) -> "List[Any]":
    values: "Any" = tensor.values
    found: "List[Any]" = values.tolist() if hasattr(values, "tolist") else list(values)
    if tensor.datatype != BYTES:
        return found
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in found]


def _split(body: bytes, size: str) -> "Any":
    if not size:
        return body, b""
    if not size.isdigit() or int(size) > len(body):
        raise BadRequest(
            400, "Inference-Header-Content-Length {} does not fit the body".format(size)
        )
    return body[: int(size)], body[int(size) :]


def _parameters(fields: "Dict[str, Any]") -> "Dict[str, Any]":
    found = fields.get("parameters")
    if found is not None and not isinstance(found, dict):
        raise BadRequest(400, "parameters should be an object")
    return found or {}


def _input(entry: "Any", rest: bytes) -> "Any":
    """One input, and the binary data that is left behind it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise BadRequest(400, "every input should be an object with a name")
    name, datatype, shape = entry["name"], entry.get("datatype"), entry.get("shape")
    if not isinstance(datatype, str) or (datatype not in CODES and datatype != BYTES):
        known = ", ".join(sorted(CODES) + [BYTES])
        raise BadRequest(
            400, "input {}: datatype {} is none of {}".format(name, json.dumps(datatype), known)
        )
    if not isinstance(shape, list) or any(type(size) is not int or size < 0 for size in shape):
        raise BadRequest(400, "input {}: shape should be a list of sizes".format(name))
    size = _parameters(entry).get("binary_data_size")
    if size is None:
        if "data" not in entry:
            raise BadRequest(400, "input {} has no data".format(name))
        return tensors.from_json(name, datatype, shape, entry["data"]), rest
    if type(size) is not int or not 0 <= size <= len(rest) or "data" in entry:
        raise BadRequest(
            400, "input {}: binary_data_size does not fit the binary data".format(name)
        )
    return tensors.from_bytes(name, datatype, shape, rest[:size]), rest[size:]


def _output(asked: Asked, entry: "Any") -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise BadRequest(400, "every output should be an object with a name")
    parameters = _parameters(entry)
    if parameters.get("classification"):
        raise BadRequest(400, "output {}: classification is not offered".format(entry["name"]))
    default = asked.parameters.get("binary_data_output") is True
    asked.outputs[entry["name"]] = parameters.get("binary_data", default) is True
