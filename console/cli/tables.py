"""Results as tables: a grid for many things, a sheet of keys and values for one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import combining, east_asian_width

from console.cli.text import printable


def table_of(data: Any) -> list[Mapping[str, Any]]:
    """Any result as rows: lists become `Column1`…, a scalar becomes `Result`."""
    items = data if isinstance(data, list) else [data]
    return [_row(item) for item in items]


def grid(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows beneath their headers; columns of numbers are right-aligned."""
    if not rows:
        return ""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    columns = [[_cell(row.get(key)) for row in rows] for key in keys]
    heads = [_head(key) for key in keys]
    widths = [max(map(_width, [head, *cells])) for head, cells in zip(heads, columns, strict=True)]
    right = [all(_number(row.get(key)) for row in rows) for key in keys]
    lines = [heads, ["-" * width for width in widths], *zip(*columns, strict=True)]
    return "\n".join(_line(line, widths, right) for line in lines)


def sheet(data: Mapping[str, Any]) -> str:
    """One thing, a key and its value a line; values of several lines are indented."""
    width = max((len(_head(key)) for key in data), default=0)
    lines = []
    for key, value in data.items():
        first, *more = _cell(value).split("\n")
        lines.append(f"{_head(key):<{width}}  {first}".rstrip())
        lines += [f"{'':<{width}}  {line}".rstrip() for line in more]
    return "\n".join(lines)


def _row(item: Any) -> Mapping[str, Any]:
    if isinstance(item, Mapping):
        return item
    if isinstance(item, list):
        return {f"Column{number}": value for number, value in enumerate(item, start=1)}
    return {"Result": item}


def _head(key: str) -> str:
    return key[:1].upper() + key[1:]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping) and all(isinstance(part, str) for part in value.values()):
        return " ".join(f"{key}={part}" for key, part in value.items())
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return printable(str(value))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _width(text: str) -> int:
    """Columns that a terminal gives the text."""
    return sum(0 if combining(char) else 1 + (east_asian_width(char) in "WF") for char in text)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, width, to_right in zip(cells, widths, right, strict=True):
        text = cell.replace("\n", " ")
        space = " " * (width - _width(text))
        padded.append(space + text if to_right else text + space)
    return "  ".join(padded).rstrip()
