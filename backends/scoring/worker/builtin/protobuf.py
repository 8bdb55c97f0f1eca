"""Protocol Buffers' wire format: just enough to take messages apart and to write them.

Source: https://protobuf.dev/programming-guides/encoding/
"""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Tuple, Union

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


def fields(data: bytes) -> "Iterator[Tuple[int, Union[int, bytes]]]":
    """Field numbers with their values: an int for a varint, else the bytes.

    Raises:
        ValueError: The bytes are no message.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ValueError("field number 0")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == LENGTH:
            size, at = _varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ValueError("wire type {}".format(kind))
        if at + size > len(data):
            raise ValueError("the message ends early")
        yield number, data[at : at + size]
        at += size


def varints(data: bytes) -> "List[int]":
    """A packed field's values, unsigned."""
    found, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        found.append(value)
    return found


def signed(value: int) -> int:
    """An int64 from the unsigned form that varints carry."""
    return value - (1 << 64) if value >= 1 << 63 else value


def write_varint(number: int, value: int) -> bytes:
    """A varint field."""
    return _encode(number << 3 | VARINT) + _encode(value & (1 << 64) - 1)


def write_bytes(number: int, value: bytes) -> bytes:
    """A length-delimited field."""
    return _encode(number << 3 | LENGTH) + _encode(len(value)) + value


def write_packed(number: int, values: "List[int]") -> bytes:
    """A packed field of varints."""
    return write_bytes(number, b"".join(_encode(value & (1 << 64) - 1) for value in values))


def write_packed_floats(number: int, code: str, values: "List[float]") -> bytes:
    """A packed field of `f` (float) or `d` (double) values."""
    return write_bytes(number, struct.pack("<{}{}".format(len(values), code), *values))


def _varint(data: bytes, at: int) -> "Tuple[int, int]":
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number is cut off or too long")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
        shift += 7


def _encode(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
