"""The protocol's tensors: JSON values or raw bytes in, lists or numpy arrays out, and back."""

import struct

from ..messages import BadRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Sequence

BYTES = "BYTES"
CODES = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
"""Data types of fixed size to `struct`'s codes."""
DTYPES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    BYTES: "object",
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
"""numpy's names to the protocol's."""
MAX_ELEMENTS = 1 << 31


class Tensor:
    """A name, a data type, a shape, and every value in row-major order."""

    __slots__ = ("datatype", "name", "shape", "values")

    def __init__(
        self, name: str, datatype: str, shape: "Sequence[int]", values: "Sequence[Any]"
    ) -> None:
        self.name = name
        self.datatype = datatype
        self.shape = list(shape)
        self.values = values
        """A list or tuple of Python values, or a flat numpy array."""

    def nested(self) -> "Any":
        """Lists in lists, as deep as the shape; the one value when the shape is empty."""
        flat: "List[Any]" = _plain(self.values)
        for size in reversed(self.shape[1:]):
            flat = [flat[i : i + size] for i in range(0, len(flat), size)] if size else []
        if not self.shape:
            return flat[0]
        return flat if 0 not in self.shape[1:] else [[] for _ in range(self.shape[0])]

    def array(self) -> "Any":
        """The numpy array.

        Raises:
            BadRequest: A value does not fit the data type.
        """
        import numpy

        try:
            flat = numpy.asarray(self.values, dtype=DTYPES[self.datatype])
        except (ValueError, TypeError, OverflowError) as error:
            raise BadRequest(400, "input {}: {}".format(self.name, error))
        return flat.reshape(self.shape)


def from_json(name: str, datatype: str, shape: "List[int]", data: "Any") -> Tensor:
    """A tensor whose values came as JSON, nested or flat.

    Raises:
        BadRequest: The values are not of the data type, or do not fill the shape.
    """
    flat = _flatten(name, data)
    _count(name, shape, len(flat))
    kinds = (
        (str,)
        if datatype == BYTES
        else (bool,)
        if datatype == "BOOL"
        else (int, float)
        if datatype.startswith("FP")
        else (int,)
    )
    wrong = set(map(type, flat)).difference(kinds)
    if wrong:
        found = sorted(kind.__name__ for kind in wrong)[0]
        raise BadRequest(400, "input {}: {} is no value of {}".format(name, found, datatype))
    if datatype == BYTES:
        try:
            "".join(flat).encode("utf-8")
        except UnicodeEncodeError as error:
            raise BadRequest(400, "input {}: {}".format(name, error))
    if kinds == (int,) and flat:
        low, high = _range(datatype)
        if min(flat) < low or max(flat) > high:
            raise BadRequest(400, "input {}: a value is out of {}'s range".format(name, datatype))
    return Tensor(name, datatype, shape, flat)


def from_bytes(name: str, datatype: str, shape: "List[int]", data: bytes) -> Tensor:
    """A tensor whose values came as raw little-endian bytes.

    Raises:
        BadRequest: The bytes do not fill the shape.
    """
    if datatype == BYTES:
        texts = _texts(name, data)
        _count(name, shape, len(texts))
        return Tensor(name, datatype, shape, texts)
    size = struct.calcsize("<" + CODES[datatype])
    count = len(data) // size
    if len(data) % size:
        raise BadRequest(
            400, "input {}: {} bytes are no whole {} values".format(name, len(data), datatype)
        )
    _count(name, shape, count)
    return Tensor(name, datatype, shape, _unpack(datatype, data, count))


def from_array(name: str, array: "Any") -> Tensor:
    """A tensor of a numpy array.

    Raises:
        ValueError: Its type is none of the protocol's.
    """
    kind = str(getattr(getattr(array, "dtype", None), "name", type(array).__name__))
    datatype = BYTES if kind.startswith(("str", "object")) else NAMES.get(kind)
    if datatype is None:
        raise ValueError("output {} of type {} is no tensor".format(name, kind))
    return Tensor(name, datatype, array.shape, array.ravel())


def from_value(name: str, value: "Any", wanted: str = "") -> "Optional[Tensor]":
    """A tensor of a JSON value: of `wanted` where that holds it; None when it is no tensor."""
    shape, flat = [], [value]
    while flat and all(type(item) is list for item in flat):
        sizes = {len(item) for item in flat}
        if len(sizes) != 1:
            return None
        shape.append(sizes.pop())
        flat = [inner for item in flat for inner in item]
    kinds = set(map(type, flat))
    if kinds <= {bool}:
        datatype = "BOOL"
    elif kinds <= {int}:
        datatype = "INT64"
    elif kinds <= {int, float}:
        datatype = "FP64"
    elif kinds <= {str}:
        datatype = BYTES
    else:
        return None
    if not flat:
        datatype = wanted or "FP64"
    elif datatype in ("INT64", "FP64") and wanted.startswith("FP"):
        datatype = wanted
    elif datatype == "INT64":
        fitting = [name for name in (wanted, "INT64", "UINT64") if _holds(name, flat)]
        if not fitting:
            return None
        datatype = fitting[0]
    return Tensor(name, datatype, shape or [1], flat)


def raw(tensor: Tensor) -> bytes:
    """The values as little-endian bytes; each of BYTES after its length."""
    if tensor.datatype == BYTES:
        encoded = [_encoded(value) for value in tensor.values]
        return b"".join(struct.pack("<I", len(item)) + item for item in encoded)
    if hasattr(tensor.values, "tobytes"):
        values: "Any" = tensor.values
        return bytes(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
    return struct.pack("<{}{}".format(len(tensor.values), CODES[tensor.datatype]), *tensor.values)


def _plain(values: "Any") -> "List[Any]":
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _encoded(value: "Any") -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8")


def _holds(datatype: str, values: "List[int]") -> bool:
    """A type of whole numbers that holds these."""
    if not datatype.startswith(("INT", "UINT")):
        return False
    low, high = _range(datatype)
    return bool(low <= min(values) and max(values) <= high)


def _range(datatype: str) -> "Any":
    bits = int(datatype.lstrip("UINT"))
    return (0, (1 << bits) - 1) if datatype[0] == "U" else (-(1 << bits - 1), (1 << bits - 1) - 1)


def _flatten(name: str, data: "Any") -> "List[Any]":
    flat = data if isinstance(data, list) else [data]
    while flat and type(flat[0]) is list:
        if set(map(type, flat)) != {list}:
            raise BadRequest(400, "input {}: data is neither flat nor evenly nested".format(name))
        flat = [item for part in flat for item in part]
    return flat


def _count(name: str, shape: "List[int]", found: int) -> None:
    count = 1
    for size in shape:
        count *= size
        if count > MAX_ELEMENTS:
            raise BadRequest(400, "input {}: shape {} is too large".format(name, shape))
    if count != found:
        message = "input {}: {} values do not fill shape {}".format(name, found, shape)
        raise BadRequest(400, message)


def _texts(name: str, data: bytes) -> "List[str]":
    found, at = [], 0
    while at < len(data):
        end = at + 4
        if end <= len(data):
            end += struct.unpack_from("<I", data, at)[0]
        if end > len(data) or end < at + 4:
            raise BadRequest(400, "input {}: the bytes of a value are cut off".format(name))
        try:
            found.append(data[at + 4 : end].decode("utf-8"))
        except UnicodeDecodeError as error:
            raise BadRequest(400, "input {}: a value is no UTF-8: {}".format(name, error))
        at = end
    return found


def _unpack(datatype: str, data: bytes, count: int) -> "Any":
    try:
        import numpy
    except ImportError:
        return struct.unpack("<{}{}".format(count, CODES[datatype]), data)
    dtype = numpy.dtype(DTYPES[datatype])
    if datatype == "BOOL":
        return numpy.frombuffer(data, dtype="uint8") != 0
    return numpy.frombuffer(data, dtype=dtype.newbyteorder("<")).astype(dtype, copy=False)
