"""ONNX `TensorProto` (onnx.proto3) to numpy arrays and back, whichever encoding it came in."""

import numpy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

STRING = 8
DTYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    STRING: "object",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}
"""`TensorProto.DataType` to numpy's names."""
NUMBERS = {name: number for number, name in DTYPES.items()}
MAX_ELEMENTS = 1 << 31


class Tensor:
    """The fields of one message; `values` are those of the typed data field, if it used one."""

    def __init__(self) -> None:
        self.dims: "List[int]" = []
        self.data_type = 0
        self.raw: "Optional[bytes]" = None
        self.values: "List[Any]" = []

    def array(self) -> "Any":
        """The numpy array.

        Raises:
            ValueError: The type is unknown, or the data does not fill the shape.
        """
        if self.data_type not in DTYPES:
            raise ValueError("data type {} is not supported".format(self.data_type))
        count = 1
        for dim in self.dims:
            count *= dim
            if dim < 0 or count > MAX_ELEMENTS:
                raise ValueError("dims {} are not a shape".format(self.dims))
        dtype = numpy.dtype(DTYPES[self.data_type])
        if self.raw is not None and self.data_type != STRING:
            if len(self.raw) != count * dtype.itemsize:
                raise ValueError(
                    "raw data of {} bytes does not fill dims {}".format(len(self.raw), self.dims)
                )
            flat = numpy.frombuffer(self.raw, dtype=dtype.newbyteorder("<"))
        else:
            flat = _typed(self.values, self.data_type, dtype)
        if flat.size != count:
            raise ValueError("{} values do not fill dims {}".format(flat.size, self.dims))
        return flat.astype(dtype, copy=False).reshape(self.dims)


def _typed(values: "List[Any]", data_type: int, dtype: "Any") -> "Any":
    if data_type == STRING:
        return numpy.array([_text(value) for value in values], dtype=object)
    if data_type == NUMBERS["float16"]:
        return numpy.array(values, dtype="uint16").view("float16")
    return numpy.array(values, dtype=dtype)


def _text(value: "Any") -> "Any":
    return value.decode("utf-8") if isinstance(value, bytes) else value


def from_array(array: "Any", raw: bool) -> Tensor:
    """The message of an array, with raw data or with the typed field.

    Raises:
        ValueError: The value is no tensor of a known type.
    """
    dtype = getattr(getattr(array, "dtype", None), "name", "")
    name = "object" if dtype.startswith(("str", "object")) else dtype
    if name not in NUMBERS:
        raise ValueError("an output of type {} is not a tensor".format(dtype or type(array)))
    tensor = Tensor()
    tensor.dims = list(array.shape)
    tensor.data_type = NUMBERS[name]
    if tensor.data_type == STRING:
        tensor.values = [str(value).encode("utf-8") for value in array.ravel()]
    elif raw:
        tensor.raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    elif name == "float16":
        tensor.values = array.ravel().view("uint16").tolist()
    else:
        tensor.values = array.ravel().tolist()
    return tensor


def typed_field(data_type: int) -> str:
    """Which typed data field a data type uses."""
    fields = {"float32": "float", "float64": "double", "int64": "int64", "object": "string"}
    unsigned: "Dict[str, str]" = {"uint32": "uint64", "uint64": "uint64"}
    name = DTYPES[data_type]
    return fields.get(name) or unsigned.get(name) or "int32"
