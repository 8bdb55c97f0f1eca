"""One request and its answer, as a worker sees them."""

import abc
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional


class Request:
    """What the supervisor hands over; the body is raw bytes."""

    __slots__ = ("accept", "body", "content_type", "headers", "id", "method", "target", "trace")

    def __init__(self, meta: "List[Any]", body: bytes) -> None:
        self.id, self.method, self.target, self.content_type, self.accept, self.headers = meta[:6]
        self.trace = meta[6] if len(meta) > 6 else None
        self.body = body

    @property
    def query(self) -> str:
        """What follows `?` in the target."""
        return str(self.target).partition("?")[2]


def header_mapping(request: Request) -> "Dict[str, str]":
    """Headers by name in title case, as WSGI servers give them; repeats are joined.

    A name with an underscore is left out: in WSGI's variables it would pass for one with a hyphen.
    """
    found: "Dict[str, str]" = {}
    for name, value in request.headers or ():
        if "_" in name:
            continue
        title = name.title()
        found[title] = "{},{}".format(found[title], value) if title in found else value
    return found


class Answer:
    """What goes back; `parts` yields the rest of a streamed body."""

    __slots__ = ("body", "headers", "parts", "run_ms", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        headers: "Optional[List[List[str]]]" = None,
        run_ms: "Optional[float]" = None,
        parts: "Optional[Iterator[bytes]]" = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        """None for an answer of JSON that has no headers of its own."""
        self.run_ms = run_ms
        self.parts = parts

    @classmethod
    def problem(cls, status: int, message: str, run_ms: "Optional[float]" = None) -> "Answer":
        """An error as the contract words it."""
        return cls(status, json.dumps({"message": message}).encode("ascii"), run_ms=run_ms)


class BadRequest(Exception):
    """The request cannot be handed to the model."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Runner(abc.ABC):
    """What a worker serves: an entry script, or a builtin handler."""

    tensors: "Dict[str, Any]" = {}
    """Its inputs and outputs as `open_inference.metadata` has them; set when it is ready."""

    @abc.abstractmethod
    def load(self) -> None:
        """Import what is needed."""

    @abc.abstractmethod
    def init(self) -> None:
        """Load the model."""

    @abc.abstractmethod
    def describe(self) -> "Dict[str, Any]":
        """How it is called (`mode`, `headers`) and its schemas (`input`, `output`, `versions`)."""

    @abc.abstractmethod
    def answer(self, request: Request) -> Answer:
        """Answer one request."""

    def answer_batch(self, requests: "List[Request]") -> "List[Answer]":
        """Answer several, in one call where it can."""
        return [self.answer(request) for request in requests]
