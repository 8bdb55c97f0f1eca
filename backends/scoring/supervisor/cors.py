"""Cross-origin headers for the origins that `AML_CORS_ORIGINS` names."""

from collections.abc import Callable

from .job import JSON_TYPE, Reply

ALLOWED = "access-control-allow-origin"


class Cors:
    """`origins` is a comma list; `*` is everyone; empty gives no headers."""

    def __init__(self, origins: str) -> None:
        self._origins = frozenset(
            part.strip().encode() for part in origins.split(",") if part.strip()
        )
        self.wanted = bool(self._origins)
        """Any origin is named."""

    def lines(self, request: dict[bytes, bytes], *, preflight: bool) -> bytes:
        """Header lines for the answer to a request with these headers."""
        found = self._allowed(request.get(b"origin", b""))
        if preflight and b"access-control-request-method" in request:
            found += b"access-control-allow-methods: GET, HEAD, OPTIONS, POST\r\n"
            asked = request.get(b"access-control-request-headers")
            if asked:
                found += b"access-control-allow-headers: %b\r\n" % asked
        return found

    def answering(self, answer: Callable[[Reply], None]) -> Callable[[Reply], None]:
        """`answer`, without an origin that the script allows itself: two are none to a browser."""

        def give(reply: Reply) -> None:
            if reply.headers is not JSON_TYPE:
                reply.headers = [pair for pair in reply.headers if pair[0].lower() != ALLOWED]
            answer(reply)

        return give

    def _allowed(self, origin: bytes) -> bytes:
        if b"*" in self._origins:
            return b"access-control-allow-origin: *\r\n"
        if origin not in self._origins:
            return b"vary: Origin\r\n"
        return b"access-control-allow-origin: %b\r\nvary: Origin\r\n" % origin
