"""YAML or JSON text as a tree of values that know their lines.

What is JSON is read as JSON (v1 reads YAML first, which gives the same values, save that YAML
refuses tabs and folds a raw U+0085 or U+2028); everything else as YAML 1.1. Size, depth and
expansion are bounded; nothing that a hostile file holds is run or expanded without limit.
"""

import json
import stat
from pathlib import Path

from backends.configs import json_nodes
from backends.configs.field import shorten
from backends.configs.nodes import Duplicate, Malformed, Node
from backends.configs.report import Report

__all__ = ["Malformed", "Node", "decode", "load", "read"]

MAX_BYTES = 256 * 1024


def load(text: str | bytes, report: Report) -> Node | None:
    """Read a document; None when it could not be read, and the report says why."""
    try:
        node, duplicates = _load(decode(text) if isinstance(text, bytes) else text)
    except Malformed as fault:
        report.error(
            f"The file {fault.message} (line {fault.line}, column {fault.column}).",
            line=fault.line,
            found="text that cannot be read",
            allowed="JSON or YAML",
        )
        return None
    for twice in duplicates:
        report.warning(
            f"{shorten(twice.key)} stands twice; line {twice.line} counts, "
            f"line {twice.first} does not.",
            line=twice.line,
            key=twice.key,
            found="the same key twice",
            allowed="each key once",
        )
    return node


def read(path: Path, report: Report) -> bytes | None:
    """Read a file of bounded size; None when it could not be read, and the report says why."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            report.error(f"{path} is not a regular file.", found="no file", allowed="a file")
            return None
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        report.error(f"{path} cannot be read: {reason}.", found=reason, allowed="a readable file")
        return None
    return data


def decode(data: bytes) -> str:
    """Decode UTF-8 or, with its byte order mark, UTF-16.

    Raises:
        Malformed: It is neither, or too large.
    """
    if len(data) > MAX_BYTES:
        raise Malformed(f"is larger than {MAX_BYTES // 1024} KB")
    wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    if not wide and b"\0" in data[:4]:
        raise Malformed("is binary, or UTF-16 without its mark: save it as UTF-8")
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        name = "UTF-16" if wide else "UTF-8"
        raise Malformed(f"is not {name}: save it as UTF-8", line) from None


def _load(text: str) -> tuple[Node, list[Duplicate]]:
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES:
        raise Malformed(f"is larger than {MAX_BYTES // 1024} KB")
    if not text.strip():
        raise Malformed("is empty")
    try:
        json.loads(text)
    except (ValueError, RecursionError) as json_fault:
        return _read_yaml(text, json_fault)
    return json_nodes.read(text)


def _read_yaml(text: str, json_fault: Exception) -> tuple[Node, list[Duplicate]]:
    from backends.configs import yaml_nodes

    try:
        return yaml_nodes.read(text)
    except Malformed as yaml_fault:
        raise _clearest(text, yaml_fault, json_fault) from None


def _clearest(text: str, yaml_fault: Malformed, json_fault: Exception) -> Malformed:
    """Speak of JSON to those who wrote JSON, of YAML to the others; of a broken limit to both."""
    if "neither" not in yaml_fault.message:
        return yaml_fault
    if text.lstrip()[:1] not in {"{", "["} or not isinstance(json_fault, json.JSONDecodeError):
        return yaml_fault
    said = json_fault.msg[:1].lower() + json_fault.msg[1:]
    return Malformed(f"is neither JSON nor YAML: {said}", json_fault.lineno, json_fault.colno)
