"""Cross-origin headers for the origins that `AML_CORS_ORIGINS` names."""

Headers = list[tuple[bytes, bytes]]


class Cors:
    """`origins` is a comma list; `*` is everyone; empty gives no headers."""

    def __init__(self, origins: str) -> None:
        self._origins = frozenset(
            part.strip().encode() for part in origins.split(",") if part.strip()
        )

    def headers(self, request: dict[bytes, bytes]) -> Headers:
        """Headers for the answer to a request with this `Origin`."""
        if not self._origins:
            return []
        if b"*" in self._origins:
            return [(b"access-control-allow-origin", b"*")]
        origin = request.get(b"origin", b"")
        if origin not in self._origins:
            return [(b"vary", b"Origin")]
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]

    def preflight(self, request: dict[bytes, bytes]) -> Headers:
        """Headers for the answer to an `OPTIONS` that asks before a cross-origin call."""
        if not self._origins or b"access-control-request-method" not in request:
            return []
        asked = request.get(b"access-control-request-headers")
        found = [(b"access-control-allow-methods", b"GET, HEAD, OPTIONS, POST")]
        return [*found, (b"access-control-allow-headers", asked)] if asked else found
