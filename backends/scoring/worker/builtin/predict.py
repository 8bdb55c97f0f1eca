"""`PredictRequest` and `PredictResponse` of ONNX Runtime Server, as JSON and as protobuf bytes.

Source: microsoft/onnxruntime, server/protobuf/predict.proto; TensorProto's fields of onnx.proto3.
"""

import base64
import json
import struct

from . import protobuf
from .tensors import STRING, Tensor, from_array, typed_field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

    Arrays = Dict[str, Any]

DIMS, DATA_TYPE, FLOATS, INT32S, STRINGS, INT64S, RAW, DOUBLES, UINT64S = (
    1,
    2,
    4,
    5,
    6,
    7,
    9,
    10,
    11,
)
PACKED = {FLOATS: "f", DOUBLES: "d"}
FIELD = {
    "float": FLOATS,
    "int32": INT32S,
    "string": STRINGS,
    "int64": INT64S,
    "double": DOUBLES,
    "uint64": UINT64S,
}


class PredictRequest:
    """Input arrays by name, and which outputs are wanted (all when empty)."""

    def __init__(self) -> None:
        self.inputs: "Arrays" = {}
        self.outputs: "List[str]" = []
        self.raw = False
        """An input came as raw data; then outputs go back as raw data."""


def is_request(values: "Any") -> bool:
    """JSON of this form, and not a friendly one."""
    if not isinstance(values, dict) or not isinstance(values.get("inputs"), dict):
        return False
    known = {"dims", "dataType", "data_type", "rawData", "raw_data"}
    return all(
        isinstance(tensor, dict) and known & set(tensor) for tensor in values["inputs"].values()
    )


def from_json(values: "Dict[str, Any]") -> PredictRequest:
    """Read the JSON form; field names in either case, as protobuf's JSON mapping allows.

    Raises:
        ValueError: A tensor is not one.
    """
    request = PredictRequest()
    request.outputs = [str(name) for name in _either(values, "outputFilter", []) or []]
    for name, fields in values["inputs"].items():
        tensor = Tensor()
        tensor.dims = [int(dim) for dim in fields.get("dims") or []]
        tensor.data_type = int(_either(fields, "dataType", 0))
        raw = _either(fields, "rawData", None)
        if raw is not None:
            tensor.raw = base64.b64decode(_standard(raw))
            request.raw = True
        else:
            tensor.values = _json_values(fields, tensor.data_type)
        request.inputs[name] = tensor.array()
    return request


def from_bytes(data: bytes) -> PredictRequest:
    """Read the protobuf form.

    Raises:
        ValueError: The bytes are no such message.
    """
    request = PredictRequest()
    for number, value in protobuf.fields(data):
        if number == 2 and isinstance(value, bytes):
            name, tensor = _entry(value)
            request.raw = request.raw or tensor.raw is not None
            request.inputs[name] = tensor.array()
        elif number == 3 and isinstance(value, bytes):
            request.outputs.append(value.decode("utf-8"))
    return request


def to_json(outputs: "Arrays", raw: bool) -> bytes:
    """The answer as JSON; int64 as text, bytes as base64, as protobuf's JSON mapping has them."""
    found = {}
    for name, array in outputs.items():
        tensor = from_array(array, raw)
        fields: "Dict[str, Any]" = {
            "dims": [str(dim) for dim in tensor.dims],
            "dataType": tensor.data_type,
        }
        if tensor.raw is not None:
            fields["rawData"] = base64.b64encode(tensor.raw).decode("ascii")
        else:
            kind = typed_field(tensor.data_type)
            fields[kind + "Data"] = [_json_value(kind, value) for value in tensor.values]
        fields["dataLocation"] = "DEFAULT"
        found[name] = fields
    return json.dumps({"outputs": found}).encode("ascii")


def to_bytes(outputs: "Arrays", raw: bool) -> bytes:
    """The answer as protobuf bytes."""
    data = b""
    for name, array in outputs.items():
        tensor = _message(from_array(array, raw))
        entry = protobuf.write_bytes(1, name.encode("utf-8")) + protobuf.write_bytes(2, tensor)
        data += protobuf.write_bytes(1, entry)
    return data


def _either(fields: "Dict[str, Any]", camel: str, default: "Any") -> "Any":
    snake = "".join("_" + letter.lower() if letter.isupper() else letter for letter in camel)
    return fields.get(camel, fields.get(snake, default))


def _standard(text: str) -> str:
    """Base64 in the standard alphabet with padding; the JSON mapping allows either and none."""
    text = str(text).replace("-", "+").replace("_", "/").rstrip("=")
    return text + "=" * (-len(text) % 4)


def _json_values(fields: "Dict[str, Any]", data_type: int) -> "List[Any]":
    if data_type == STRING:
        return [base64.b64decode(_standard(value)) for value in _either(fields, "stringData", [])]
    for kind, convert in (
        ("float", float),
        ("double", float),
        ("int32", int),
        ("int64", int),
        ("uint64", int),
    ):
        values = _either(fields, kind + "Data", None)
        if values:
            return [convert(value) for value in values]
    return []


def _json_value(kind: str, value: "Any") -> "Any":
    if kind == "string":
        return base64.b64encode(value).decode("ascii")
    if kind in ("int64", "uint64"):
        return str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return int(value) if kind == "int32" else value


def _entry(data: bytes) -> "Tuple[str, Tensor]":
    name, tensor = "", Tensor()
    for number, value in protobuf.fields(data):
        if number == 1 and isinstance(value, bytes):
            name = value.decode("utf-8")
        elif number == 2 and isinstance(value, bytes):
            tensor = _tensor(value)
    return name, tensor


def _tensor(data: bytes) -> Tensor:
    tensor = Tensor()
    for number, value in protobuf.fields(data):
        if number == DATA_TYPE and isinstance(value, int):
            tensor.data_type = value
        elif number == RAW and isinstance(value, bytes):
            tensor.raw = value
        elif number == STRINGS:
            tensor.values.append(value)
        elif number == DIMS:
            tensor.dims += [protobuf.signed(dim) for dim in _numbers(value)]
        elif number in PACKED and isinstance(value, bytes):
            size = struct.calcsize("<" + PACKED[number])
            tensor.values += struct.unpack(
                "<{}{}".format(len(value) // size, PACKED[number]), value
            )
        elif number in (INT32S, INT64S):
            tensor.values += [protobuf.signed(one) for one in _numbers(value)]
        elif number == UINT64S:
            tensor.values += _numbers(value)
    return tensor


def _numbers(value: "Any") -> "List[int]":
    return protobuf.varints(value) if isinstance(value, bytes) else [value]


def _message(tensor: Tensor) -> bytes:
    data = protobuf.write_packed(DIMS, tensor.dims) if tensor.dims else b""
    data += protobuf.write_varint(DATA_TYPE, tensor.data_type)
    if tensor.raw is not None:
        return data + protobuf.write_bytes(RAW, tensor.raw)
    number = FIELD[typed_field(tensor.data_type)]
    if number == STRINGS:
        return data + b"".join(protobuf.write_bytes(STRINGS, value) for value in tensor.values)
    if number in PACKED:
        return data + protobuf.write_packed_floats(number, PACKED[number], tensor.values)
    return data + protobuf.write_packed(number, [int(value) for value in tensor.values])
