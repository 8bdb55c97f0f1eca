"""A TensorFlow SavedModel over TensorFlow Serving's REST shapes.

Source: https://www.tensorflow.org/tfx/serving/api_rest, `instances` (rows) and `inputs` (columns).
"""

import base64
import json
import os
import time

from .. import failure, output
from ..failure import ScriptError
from ..messages import Answer, BadRequest, Request, Runner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

DEFAULT = "serving_default"


class Handler(Runner):
    """The signatures of one SavedModel."""

    def __init__(self, config: "Dict[str, Any]") -> None:
        self._folder = config["model_dir"]
        self._signatures: "Any" = {}

    def load(self) -> None:
        """Import TensorFlow."""
        try:
            import tensorflow
        except ImportError as error:
            raise ScriptError(
                "This environment cannot serve SavedModels: {}. Add tensorflow.".format(error)
            )
        self._tensorflow = tensorflow

    def init(self) -> None:
        """Load the one folder that holds a `saved_model.pb`."""
        found = [root for root, _, names in os.walk(self._folder) if "saved_model.pb" in names]
        if len(found) != 1:
            raise ScriptError(
                "{} should hold one SavedModel, but holds {}.".format(self._folder, len(found))
            )
        self._model = self._tensorflow.saved_model.load(found[0])
        self._signatures = self._model.signatures

    def describe(self) -> "Dict[str, Any]":
        """Rows of the default signature."""
        schema = {
            "type": "object",
            "properties": {
                "instances": {"type": "array", "items": {}},
                "signature_name": {"type": "string"},
            },
            "example": {"instances": []},
        }
        found: "Dict[str, Any]" = {
            "mode": "tensorflow",
            "headers": False,
            "input": schema,
            "output": None,
        }
        if DEFAULT in self._signatures:
            signature = self._signatures[DEFAULT]
            found["tensors"] = {
                "platform": "tensorflow_savedmodel",
                "inputs": _specs(signature.structured_input_signature[1]),
                "outputs": _specs(signature.structured_outputs),
            }
        return found

    def answer(self, request: Request) -> Answer:
        """Run a signature on rows or columns."""
        try:
            values, rows, signature = self._read(request)
            arguments = self._arguments(signature, values, rows)
        except BadRequest as error:
            return Answer.problem(error.status, error.message)
        started = time.perf_counter()
        try:
            result = signature(**arguments)
        except Exception as error:
            output.report("ERROR", failure.describe(error))
            return Answer.problem(400, str(error))
        elapsed = (time.perf_counter() - started) * 1000
        outputs = {name: _plain(tensor.numpy().tolist()) for name, tensor in result.items()}
        body = {"predictions": _rows(outputs)} if rows else {"outputs": _single(outputs)}
        return Answer(200, json.dumps(body).encode("ascii"), run_ms=elapsed)

    def _read(self, request: Request) -> "Any":
        try:
            values = json.loads(request.body.decode("utf-8"), object_hook=_binary)
        except (ValueError, RecursionError) as error:
            raise BadRequest(400, "The body could not be decoded as JSON: {}".format(error))
        if not isinstance(values, dict) or ("instances" in values) == ("inputs" in values):
            raise BadRequest(400, "The body should have either `instances` or `inputs`.")
        name = values.get("signature_name") or DEFAULT
        if name not in self._signatures:
            known = sorted(self._signatures)
            raise BadRequest(400, "No signature {!r}; the model has {}.".format(name, known))
        rows = "instances" in values
        return values["instances" if rows else "inputs"], rows, self._signatures[name]

    def _arguments(self, signature: "Any", values: "Any", rows: bool) -> "Dict[str, Any]":
        specs = signature.structured_input_signature[1]
        if rows and isinstance(values, list) and values and isinstance(values[0], dict):
            values = {name: [row.get(name) for row in values] for name in values[0]}
        if not isinstance(values, dict):
            if len(specs) != 1:
                raise BadRequest(400, "Give the inputs by name: {}.".format(sorted(specs)))
            values = {next(iter(specs)): values}
        if set(values) != set(specs):
            raise BadRequest(400, "The inputs are {}.".format(sorted(specs)))
        try:
            return {
                name: self._tensorflow.constant(value, dtype=specs[name].dtype)
                for name, value in values.items()
            }
        except (ValueError, TypeError) as error:
            raise BadRequest(400, str(error))


def _specs(specs: "Dict[str, Any]") -> "List[Dict[str, Any]]":
    """TensorSpecs in the Open Inference Protocol's words; free sizes are -1."""
    from ..open_inference.tensors import NAMES

    return [
        {
            "name": name,
            "datatype": NAMES.get(spec.dtype.name, "BYTES"),
            "shape": [-1 if size is None else int(size) for size in spec.shape.as_list()],
        }
        for name, spec in specs.items()
    ]


def _binary(values: "Dict[str, Any]") -> "Any":
    if set(values) == {"b64"} and isinstance(values["b64"], str):
        return base64.b64decode(values["b64"])
    return values


def _plain(value: "Any") -> "Any":
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode("ascii")}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _single(outputs: "Dict[str, Any]") -> "Any":
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _rows(outputs: "Dict[str, Any]") -> "Any":
    single = _single(outputs)
    if not isinstance(single, dict):
        return single
    count = min(len(values) for values in outputs.values())
    return [{name: values[i] for name, values in outputs.items()} for i in range(count)]
