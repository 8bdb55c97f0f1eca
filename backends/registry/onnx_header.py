"""The few facts of an ONNX file that onnxruntime does not tell, read from its outermost fields.

Format: `ModelProto` of onnx/onnx.proto3 (field 8 is `opset_import`: domain = 1, version = 2) in
protobuf's wire encoding (protobuf.dev/programming-guides/encoding). Everything else is skipped
unread, so that the cost does not grow with the model.
"""

from io import BytesIO
from typing import BinaryIO

MAX_FIELDS = 10_000
MAX_OPSET_BYTES = 1024
OPSET_IMPORT = 8
DEFAULT_DOMAINS = frozenset({b"", b"ai.onnx"})


class _Malformed(ValueError):
    """The bytes are not a protobuf message."""


def read_opset(file: BinaryIO) -> int | None:
    """Version of the default operator set; None where the file does not say."""
    try:
        for number, payload in _fields(file, wanted=OPSET_IMPORT):
            if number == OPSET_IMPORT and isinstance(payload, bytes):
                fields = dict(_fields(BytesIO(payload), wanted=None))
                version = fields.get(2)
                if fields.get(1, b"") in DEFAULT_DOMAINS and isinstance(version, int):
                    return version
    except _Malformed:
        return None
    return None


def _fields(file: BinaryIO, *, wanted: int | None) -> list[tuple[int, bytes | int]]:
    """(number, value) of the outermost fields; bytes are read for `wanted` (None: all) only."""
    found: list[tuple[int, bytes | int]] = []
    for _ in range(MAX_FIELDS):
        key = _varint(file)
        if key is None:
            return found
        number, wire = key >> 3, key & 7
        if wire == 2:
            length = _length(file)
            if wanted is None or number == wanted:
                found.append((number, _exactly(file, min(length, MAX_OPSET_BYTES))))
                length -= min(length, MAX_OPSET_BYTES)
            file.seek(length, 1)
        elif wire == 0:
            found.append((number, _length(file)))
        elif wire in {1, 5}:
            _exactly(file, 8 if wire == 1 else 4)
        else:
            raise _Malformed(f"wire type {wire}")
    return found


def _varint(file: BinaryIO) -> int | None:
    """The next number; None at the end of the file."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            if shift:
                raise _Malformed("ends inside a number")
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise _Malformed("a number of more than ten bytes")


def _length(file: BinaryIO) -> int:
    value = _varint(file)
    if value is None or value >= 1 << 62:
        raise _Malformed("no length")
    return value


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise _Malformed("ends inside a field")
    return data
