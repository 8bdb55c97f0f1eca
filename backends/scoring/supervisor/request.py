"""One HTTP request as it came, and the job that it became."""

from time import perf_counter
from typing import TYPE_CHECKING

from .identity import Identity, identify

if TYPE_CHECKING:
    from .job import Job, Reply

Pairs = list[tuple[bytes, bytes]]


class Request:
    """Made when the head is complete; the body follows."""

    __slots__ = (
        "began",
        "body",
        "headers",
        "identity",
        "job",
        "keep_alive",
        "method",
        "modern",
        "pairs",
        "path",
        "query",
        "refusal",
        "route",
    )

    def __init__(self, method: str, path: str, query: str, pairs: Pairs) -> None:
        self.method = method
        self.path = path
        """Without the query; percent signs are decoded."""
        self.route = ""
        """The path without the service's prefix, where it is one of ours."""
        self.query = query
        self.pairs = pairs
        """Every header, names in lower case."""
        self.headers: dict[bytes, bytes] = dict(pairs)
        """The last value of each header."""
        self.identity: Identity = identify(self.headers)
        self.body = b""
        self.keep_alive = False
        """The client wants to use the connection again."""
        self.modern = True
        """HTTP/1.1: it takes chunks."""
        self.refusal: Reply | None = None
        """Why it gets no further, known from the head alone."""
        self.job: Job | None = None
        self.began = perf_counter()
