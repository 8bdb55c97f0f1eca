"""W3C Trace Context: read from a request, handed on as it came, named in its log lines.

This server records no spans of its own, so the caller's stays the parent of whatever `run()` calls:
`traceparent` and `tracestate` go on unchanged, to the worker as TRACEPARENT and TRACESTATE in its
environment while `run()` runs. The answer repeats a `traceparent` that was valid.

Source: https://www.w3.org/TR/trace-context/
"""

import re
from collections import OrderedDict
from dataclasses import dataclass

PARENT, STATE = b"traceparent", b"tracestate"
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?\Z")
_MEMBER = re.compile(rb"[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,256}\Z")
MOST_MEMBERS = 32
REMEMBERED = 4096
"""Requests whose log lines may still come, in order of arrival."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A valid context."""

    parent: bytes
    state: bytes
    """Empty when there was none, or none that is valid."""

    @property
    def id(self) -> str:
        """The trace's id, 32 hex digits."""
        return self.parent[3:35].decode("ascii")

    def variables(self) -> dict[str, str]:
        """The context as the worker's environment has it."""
        found = {"TRACEPARENT": self.parent, "TRACESTATE": self.state}
        return {name: value.decode("latin-1") for name, value in found.items() if value}


def read(pairs: list[tuple[bytes, bytes]]) -> Trace | None:
    """The context of a request's headers; None when there is none, or it is not valid."""
    parents = [value.strip() for name, value in pairs if name == PARENT]
    if len(parents) != 1 or not _valid(parents[0]):
        return None
    states = b",".join(value.strip() for name, value in pairs if name == STATE)
    return Trace(parents[0], states if _valid_state(states) else b"")


def _valid(parent: bytes) -> bool:
    found = _PARENT.match(parent)
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[4] is not None):
        return False
    return bool(found[2].strip(b"0") and found[3].strip(b"0"))


def _valid_state(state: bytes) -> bool:
    members = [member.strip() for member in state.split(b",") if member.strip()]
    keys = {member.partition(b"=")[0] for member in members}
    return len(keys) == len(members) <= MOST_MEMBERS and all(map(_MEMBER.match, members))


class Traces:
    """Which trace a request id belongs to, for lines that are logged under the id alone."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, str] = OrderedDict()

    def add(self, request_id: str, trace: Trace) -> None:
        """Remember a request; the oldest is forgotten."""
        self._ids[request_id] = trace.id
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)

    def of(self, request_id: str) -> str:
        """The trace's id, or nothing."""
        return self._ids.get(request_id, "") if self._ids else ""
