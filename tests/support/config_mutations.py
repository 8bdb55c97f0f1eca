"""Seeded damage to good config files."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]

_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, 1e300, "", " ", "1", "true", "null", "\0", "\u2028",
    "\ud800", "😀", "../../etc/passwd", "x" * 3000, [], {}, [[]], [None], {"": ""}, {"pip": []},
    {"a": {"b": [1, {"c": None}]}},
)  # fmt: skip
_ODD_BYTES = b'\0\t\r\n{}[]:,"&*!|>%@`-\xff\xfe\xc3\x7f#?<='
_ODD_LINES = (
    b"\t\n", b"- - - -\n", b"<<: *x\n", b"&a [*a, *a]\n", b"!!python/object:os.system {}\n",
    b"---\n", b"? [a]\n: b\n", b"? b\n", b"%TAG ! x\n", b"\xef\xbb\xbf", b"key: |\n  x\n", b"*z\n",
)  # fmt: skip


def mutations(goods: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yield damaged files, the same ones for the same seed."""
    dice = random.Random(seed)
    for _ in range(count):
        data = dice.choice(goods)
        for _ in range(dice.choice((1, 1, 1, 2, 4))):
            data = dice.choice(_MUTATIONS)(data, dice)
        yield data


def _flip(data: bytes, dice: random.Random) -> bytes:
    if not data:
        return data
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]


def _odd_byte(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + bytes([dice.choice(_ODD_BYTES)]) + data[at + dice.randrange(2) :]


def _delete(data: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(data) + 1)
    return data[:start] + data[start + dice.choice((1, 1, 2, 5, 20, 80)) :]


def _truncate(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def _duplicate(data: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(data) + 1)
    end = start + dice.choice((1, 3, 10, 60))
    return data[:end] + data[start:end] * dice.choice((1, 2, 30)) + data[end:]


def _line(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    at = dice.randrange(len(lines))
    lines[at : at + dice.randrange(2)] = [dice.choice((*_ODD_LINES, *lines))]
    return b"".join(lines)


def _retype(data: bytes, dice: random.Random) -> bytes:
    """Put an odd value in place of one, or under a new key, of a JSON file."""
    try:
        tree = json.loads(data)
    except ValueError:
        return _line(data, dice)
    spots = list(_spots(tree))
    if not spots:
        return _flip(data, dice)
    holder, key = dice.choice(spots)
    if isinstance(holder, dict) and dice.randrange(4) == 0:
        holder[dice.choice(("unknown", f"{key}x", str(key).upper(), ""))] = holder.pop(key)
    else:
        holder[key] = dice.choice(_ODD_VALUES)
    return json.dumps(tree, indent=dice.choice((None, 2, "\t"))).encode()


def _spots(tree: Any) -> Iterator[tuple[Any, Any]]:
    children = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, child in children if isinstance(tree, dict | list) else ():
        yield tree, key
        if isinstance(child, dict | list):
            yield from _spots(child)


def _recode(data: bytes, dice: random.Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return dice.choice(
        (
            lambda: text.encode("utf-16"),
            lambda: text.encode("utf-16-le"),
            lambda: text.encode("utf-8-sig"),
            lambda: data.replace(b"\n", b"\r\n"),
            lambda: data.replace(b"\n", b"\r"),
            lambda: data.replace(b"    ", b"\t"),
        )
    )()


_MUTATIONS: tuple[Mutation, ...] = (
    _flip, _odd_byte, _delete, _truncate, _duplicate, _line, _retype, _retype, _recode,
)  # fmt: skip
