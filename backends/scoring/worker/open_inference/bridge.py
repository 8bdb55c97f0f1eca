"""Inference requests for runners that know JSON alone: tensors become a body, answers tensors."""

import json

from ..messages import BadRequest, Request
from . import tensors
from .metadata import BODY, OUTPUT
from .tensors import BYTES, Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ..messages import Runner
    from .requests import Asked

    Metadata = Dict[str, Any]


def infer(runner: "Runner", asked: "Asked", request: Request) -> "Any":
    """Tensors of the answer and run()'s milliseconds; or the answer itself when it is an error.

    Raises:
        BadRequest: The inputs are not those of the metadata.
    """
    description = runner.tensors
    check(description, asked)
    mode = str(description["mode"])
    body = _BODIES.get(mode, _text_body)(description, asked)
    meta = [request.id, "POST", "/score", "application/json", "application/json", request.headers]
    answer = runner.answer(Request(meta, body))
    if answer.parts is not None:
        answer.body += b"".join(answer.parts)
        answer.parts = None
    if answer.status >= 400:
        return answer
    found = _OUTPUTS.get(mode, _text_outputs)(description, answer.body)
    return _wanted(found, asked), answer.run_ms


def check(description: "Metadata", asked: "Asked") -> None:
    """Every input is one of the metadata's and of its type.

    Raises:
        BadRequest: One is not; the message says which are.
    """
    known = {spec["name"]: spec for spec in description["inputs"]}
    words = ", ".join(
        "{} {}{}".format(spec["name"], spec["datatype"], spec["shape"]) for spec in known.values()
    )
    for name, tensor in asked.inputs.items():
        if name not in known:
            raise BadRequest(400, "unknown input {}; the model takes {}".format(name, words))
        if not _fits(tensor.datatype, known[name]["datatype"]):
            raise BadRequest(
                400, "input {} is {}; the model takes {}".format(name, tensor.datatype, words)
            )
    if not asked.inputs:
        raise BadRequest(400, "no input is given; the model takes {}".format(words))


def _fits(given: str, wanted: str) -> bool:
    """Whole numbers may stand for any numbers; otherwise the kinds are the same."""
    return _kind(given) == _kind(wanted) or (_kind(given), _kind(wanted)) == ("INT", "FP")


def _kind(datatype: str) -> str:
    return datatype.lstrip("U").rstrip("0123456789")


def _text_body(description: "Metadata", asked: "Asked") -> bytes:
    del description
    values: "Any" = asked.inputs[BODY].values
    if len(values) != 1:
        raise BadRequest(400, "input {} should hold one value".format(BODY))
    return str(values[0]).encode("utf-8")


def _schema_body(description: "Metadata", asked: "Asked") -> bytes:
    specs = {spec["name"]: spec for spec in description["inputs"]}
    texts = set(description["texts"])
    body = {}
    for name, tensor in asked.inputs.items():
        if name in texts:
            body[name] = _json_text(tensor)
        elif specs[name]["shape"] == [1] and len(tensor.values) == 1:
            body[name] = tensor.nested() if not tensor.shape else _first(tensor.nested())
        else:
            body[name] = tensor.nested()
    return json.dumps(body).encode("ascii")


def _sklearn_body(description: "Metadata", asked: "Asked") -> bytes:
    del description
    body = {"data": asked.inputs["data"].nested()}
    if "method" in asked.parameters:
        body["method"] = asked.parameters["method"]
    return json.dumps(body).encode("ascii")


def _tensorflow_body(description: "Metadata", asked: "Asked") -> bytes:
    del description
    inputs = {name: tensor.nested() for name, tensor in asked.inputs.items()}
    body = {"inputs": inputs}
    if "signature_name" in asked.parameters:
        body["signature_name"] = asked.parameters["signature_name"]
    return json.dumps(body).encode("ascii")


def _text_outputs(description: "Metadata", body: bytes) -> "List[Tensor]":
    del description
    return [Tensor(BODY, BYTES, [1], [body])]


def _schema_outputs(description: "Metadata", body: bytes) -> "List[Tensor]":
    specs = {spec["name"]: spec["datatype"] for spec in description["outputs"]}
    value = _parsed(body)
    if isinstance(value, dict) and set(value) == set(specs):
        return [_tensor(name, value[name], specs[name]) for name in specs]
    return [_tensor(OUTPUT, value, specs.get(OUTPUT, ""))]


def _sklearn_outputs(description: "Metadata", body: bytes) -> "List[Tensor]":
    del description
    return [_tensor(name, value, "") for name, value in json.loads(body.decode("utf-8")).items()]


def _tensorflow_outputs(description: "Metadata", body: bytes) -> "List[Tensor]":
    specs = {spec["name"]: spec["datatype"] for spec in description["outputs"]}
    outputs = json.loads(body.decode("utf-8"))["outputs"]
    if not isinstance(outputs, dict):
        outputs = {next(iter(specs), OUTPUT): outputs}
    return [_tensor(name, value, specs.get(name, "")) for name, value in outputs.items()]


_BODIES = {"schema": _schema_body, "sklearn": _sklearn_body, "tensorflow": _tensorflow_body}
_OUTPUTS = {
    "schema": _schema_outputs,
    "sklearn": _sklearn_outputs,
    "tensorflow": _tensorflow_outputs,
}


def _wanted(found: "List[Tensor]", asked: "Asked") -> "List[Tensor]":
    names = [tensor.name for tensor in found]
    for name in asked.outputs:
        if name not in names:
            raise BadRequest(400, "unknown output {}; the model gives {}".format(name, names))
    return [tensor for tensor in found if not asked.outputs or tensor.name in asked.outputs]


def _tensor(name: str, value: "Any", wanted: str) -> Tensor:
    """The value as a tensor, or as one BYTES value that is JSON."""
    found = tensors.from_value(name, value, wanted)
    return found or Tensor(name, BYTES, [1], [json.dumps(value)])


def _first(value: "Any") -> "Any":
    while isinstance(value, list):
        value = value[0]
    return value


def _json_text(tensor: Tensor) -> "Any":
    text = tensor.values[0] if len(tensor.values) == 1 else ""
    try:
        return json.loads(text)
    except ValueError as error:
        message = "input {} should hold one JSON text: {}".format(tensor.name, error)
        raise BadRequest(400, message)


def _parsed(body: bytes) -> "Any":
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError:
        return body.decode("utf-8", "replace")
