"""An ONNX graph without a script: ONNX Runtime Server's two forms, and plain lists by name."""

import json
import time

from .. import failure, output
from ..failure import ScriptError
from ..messages import Answer, BadRequest, Request
from ..open_inference import tensors
from ..open_inference.native import TensorRunner
from .files import find_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

    from ..open_inference.requests import Asked

PROTOBUF_TYPES = (
    "application/octet-stream",
    "application/x-protobuf",
    "application/vnd.google.protobuf",
)
TYPES = {
    "tensor(float)": ("float32", "number"),
    "tensor(double)": ("float64", "number"),
    "tensor(float16)": ("float16", "number"),
    "tensor(int8)": ("int8", "integer"),
    "tensor(int16)": ("int16", "integer"),
    "tensor(int32)": ("int32", "integer"),
    "tensor(int64)": ("int64", "integer"),
    "tensor(uint8)": ("uint8", "integer"),
    "tensor(uint16)": ("uint16", "integer"),
    "tensor(uint32)": ("uint32", "integer"),
    "tensor(uint64)": ("uint64", "integer"),
    "tensor(bool)": ("bool", "boolean"),
    "tensor(string)": ("object", "string"),
}
"""ONNX Runtime's type names to numpy's and to JSON schema's."""
LARGEST_EXAMPLE = 4096
"""Values; a larger input gets no example."""


class Handler(TensorRunner):
    """One session, one request at a time."""

    def __init__(self, config: "Dict[str, Any]") -> None:
        self._folder = config["model_dir"]
        self._threads = config["threads"]
        self._session: "Any" = None
        self._inputs: "Dict[str, Any]" = {}
        self._outputs: "List[str]" = []

    def load(self) -> None:
        """Import ONNX Runtime."""
        try:
            import numpy  # noqa: F401 - a missing one is reported here
            import onnxruntime
        except ImportError as error:
            raise ScriptError(
                "This environment cannot serve ONNX models: {}. Add onnxruntime.".format(error)
            )
        self._runtime = onnxruntime

    def init(self) -> None:
        """Make the session; its threads are this worker's share of the cores."""
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = [
            name
            for name in self._runtime.get_available_providers()
            if name != "AzureExecutionProvider"
        ]
        path = find_file(self._folder, (".onnx", ".ort"))
        self._session = self._runtime.InferenceSession(path, options, providers=providers)
        self._inputs = {value.name: value for value in self._session.get_inputs()}
        self._outputs = [value.name for value in self._session.get_outputs()]

    def describe(self) -> "Dict[str, Any]":
        """The session's inputs and outputs as schemas."""
        inputs = {name: _schema(value) for name, value in self._inputs.items()}
        example = {name: _example(value) for name, value in self._inputs.items()}
        schema = {"type": "object", "properties": inputs, "required": list(inputs)}
        if all(value is not None for value in example.values()):
            schema["example"] = example
        outputs = {value.name: _schema(value) for value in self._session.get_outputs()}
        return {
            "mode": "onnx",
            "headers": False,
            "input": schema,
            "output": {"type": "object", "properties": outputs},
            "tensors": {
                "platform": "onnxruntime_onnx",
                "inputs": [_spec(value) for value in self._inputs.values()],
                "outputs": [_spec(value) for value in self._session.get_outputs()],
            },
        }

    def infer(self, asked: "Asked") -> "Any":
        """Run the session on the tensors as they are.

        Raises:
            BadRequest: They are not the model's inputs.
        """
        types = {spec["name"]: spec["datatype"] for spec in self.tensors["inputs"]}
        for name, tensor in asked.inputs.items():
            if types.get(name, tensor.datatype) != tensor.datatype:
                raise BadRequest(
                    400, "input {} is {}; {}".format(name, tensor.datatype, self._wanted())
                )
        arrays = {name: tensor.array() for name, tensor in asked.inputs.items()}
        names = self._check(arrays, list(asked.outputs))
        outputs, elapsed = self._run(names, arrays)
        found = [
            tensors.from_array(name, value)
            if hasattr(value, "dtype")
            else tensors.Tensor(name, tensors.BYTES, [1], [json.dumps(_plain(value))])
            for name, value in zip(names, outputs)
        ]
        return found, elapsed

    def answer(self, request: Request) -> Answer:
        """Score a body of any of the forms; the answer is of the same form."""
        media = request.content_type.partition(";")[0].strip().lower()
        if media in PROTOBUF_TYPES:
            return self._exact(request, None)
        try:
            values = json.loads(request.body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            return Answer.problem(400, "The body could not be decoded as JSON: {}".format(error))
        from . import predict

        if predict.is_request(values):
            if not media:
                return _refusal(
                    400, "Missing or unknown 'Content-Type' header field in the request"
                )
            return self._exact(request, values)
        return self._friendly(values)

    def _exact(self, request: Request, values: "Any") -> Answer:
        """ONNX Runtime Server's protocol; without an `Accept` that asks for JSON, bytes go back."""
        from . import predict

        try:
            asked = (
                predict.from_bytes(request.body) if values is None else predict.from_json(values)
            )
            names = self._check(asked.inputs, asked.outputs)
            outputs, elapsed = self._run(names, asked.inputs)
        except BadRequest as error:
            return _refusal(error.status, error.message)
        except (ValueError, TypeError, OverflowError) as error:
            return _refusal(400, str(error))
        found = dict(zip(names, outputs))
        if "json" in request.accept.lower():
            return Answer(200, predict.to_json(found, asked.raw), run_ms=elapsed)
        headers = [["content-type", "application/octet-stream"]]
        return Answer(200, predict.to_bytes(found, asked.raw), headers, elapsed)

    def _friendly(self, values: "Any") -> Answer:
        try:
            arrays = {
                name: _array(self._inputs[name], value)
                for name, value in self._named(values).items()
            }
            names = self._check(arrays, [])
            outputs, elapsed = self._run(names, arrays)
        except BadRequest as error:
            return Answer.problem(error.status, error.message)
        body = {name: _plain(value) for name, value in zip(names, outputs)}
        return Answer(200, json.dumps(body).encode("ascii"), run_ms=elapsed)

    def _named(self, values: "Any") -> "Dict[str, Any]":
        """Values by input name, from any of the friendly forms."""
        if isinstance(values, dict) and "data" in values and "data" not in self._inputs:
            values = values["data"]
        if isinstance(values, dict):
            unknown = sorted(set(values) - set(self._inputs))
            if unknown:
                raise BadRequest(400, "Unknown input {}; {}".format(unknown[0], self._wanted()))
            return values
        if len(self._inputs) != 1:
            raise BadRequest(400, "Give the inputs by name; {}".format(self._wanted()))
        return {next(iter(self._inputs)): values}

    def _check(self, given: "Dict[str, Any]", wanted: "List[str]") -> "List[str]":
        """Every input is there and known; returns the outputs to compute."""
        missing = [name for name in self._inputs if name not in given]
        if missing or len(given) > len(self._inputs):
            raise BadRequest(400, "Inputs {} were given; {}".format(sorted(given), self._wanted()))
        unknown = [name for name in wanted if name not in self._outputs]
        if unknown:
            raise BadRequest(
                400, "Unknown output {}; the model has {}".format(unknown[0], self._outputs)
            )
        return wanted or self._outputs

    def _wanted(self) -> str:
        return "the model takes {}.".format(
            ", ".join("{} {}{}".format(v.name, v.type, v.shape) for v in self._inputs.values())
        )

    def _run(self, names: "List[str]", arrays: "Dict[str, Any]") -> "Tuple[List[Any], float]":
        started = time.perf_counter()
        try:
            outputs = self._session.run(names, arrays)
        except Exception as error:
            if type(error).__name__ in ("InvalidArgument", "InvalidGraph", "ValueError"):
                raise BadRequest(400, str(error))
            output.report("ERROR", failure.describe(error))
            raise BadRequest(500, "The model could not be run. Check the logs for more info.")
        return outputs, (time.perf_counter() - started) * 1000


def _refusal(status: int, message: str) -> Answer:
    body = {"error_code": status, "error_message": message}
    return Answer(status, json.dumps(body).encode("ascii"))


def _array(value: "Any", nested: "Any") -> "Any":
    """A nested list as the input's type; one missing first axis is added."""
    import numpy

    if value.type not in TYPES:
        raise BadRequest(400, "Input {} is a {}, not a tensor.".format(value.name, value.type))
    try:
        array = numpy.array(nested, dtype=TYPES[value.type][0])
    except (ValueError, TypeError, OverflowError) as error:
        raise BadRequest(400, "Input {}: {}".format(value.name, error))
    shape = value.shape
    if array.ndim == len(shape) - 1 and not (isinstance(shape[0], int) and shape[0] > 1):
        array = array.reshape((1,) + array.shape)
    return array


def _plain(value: "Any") -> "Any":
    """Arrays, sequences and maps of an output as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _schema(value: "Any") -> "Dict[str, Any]":
    name, kind = TYPES.get(value.type, ("", "object"))
    schema: "Dict[str, Any]" = {"type": kind}
    for _ in value.shape if name else ():
        schema = {"type": "array", "items": schema}
    if name:
        schema["description"] = "{} {}".format(name, list(value.shape))
    return schema


def _spec(value: "Any") -> "Dict[str, Any]":
    """An input or output in the Open Inference Protocol's words; free sizes are -1.

    One that is no tensor, a list of maps say, is a text of JSON.
    """
    name = TYPES.get(value.type, ("", ""))[0]
    shape = [size if isinstance(size, int) else -1 for size in value.shape] if name else [1]
    return {"name": value.name, "datatype": tensors.NAMES.get(name, "BYTES"), "shape": shape}


def _example(value: "Any") -> "Any":
    if value.type not in TYPES:
        return None
    shape = [dim if isinstance(dim, int) and dim > 0 else 1 for dim in value.shape]
    count = 1
    for dim in shape:
        count *= dim
    if count > LARGEST_EXAMPLE:
        return None
    kind = TYPES[value.type][1]
    nested: "Any" = {"number": 0.0, "integer": 0, "boolean": False, "string": ""}[kind]
    for dim in reversed(shape):
        nested = [nested] * dim
    return nested
