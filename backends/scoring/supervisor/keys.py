"""Who may call: a primary and a secondary key, from a file that is read again when it changes."""

import hmac
import json
from pathlib import Path

CHECK_SECONDS = 0.2
"""A key that was taken away is refused within this time; a new one is known at once."""


class KeyFile:
    """Compares in constant time; an unreadable file lets nobody in."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._keys: tuple[bytes, ...] = ()
        self._seen: tuple[int, int, int] | None = None
        self._next_look = 0.0
        self.problem = ""
        """Why no key is known; empty when at least one is."""

    def admits(self, headers: dict[bytes, bytes], now: float) -> bool:
        """One of `Authorization: Bearer` and `X-API-Key` carries one of the keys."""
        if now >= self._next_look:
            self._next_look = now + CHECK_SECONDS
            self._look()
        return self._known(headers) or (self._look() and self._known(headers))

    def _known(self, headers: dict[bytes, bytes]) -> bool:
        given = headers.get(b"x-api-key", b"").strip()
        kind, _, token = headers.get(b"authorization", b"").strip().partition(b" ")
        bearer = token.strip() if kind.lower() == b"bearer" else b""
        found = False
        for value in filter(None, (given, bearer)):
            for key in self._keys:
                found |= hmac.compare_digest(key, value)
        return found

    def _look(self) -> bool:
        """Read the file when it changed; whether it did."""
        before = self._seen
        if self._path is None:
            self.problem = "no key file is named"
            return False
        try:
            info = self._path.stat()
            seen = (info.st_mtime_ns, info.st_size, info.st_ino)
            if seen != self._seen:
                self._keys = _read(self._path)
                self._seen = seen
            self.problem = "" if self._keys else "the key file holds no key"
        except (OSError, ValueError, TypeError) as error:
            self._keys, self._seen = (), None
            self.problem = f"the key file cannot be read: {error}"
        return self._seen != before


def _read(path: Path) -> tuple[bytes, ...]:
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise TypeError("it is not a JSON object")
    values = (data.get("primary"), data.get("secondary"))
    return tuple(value.encode() for value in values if isinstance(value, str) and value)
