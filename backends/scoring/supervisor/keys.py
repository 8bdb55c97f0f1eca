"""Who may call: a primary and a secondary key, from a file that is read again when it changes."""

import hmac
import json
import stat
from collections.abc import Callable
from pathlib import Path

CHECK_SECONDS = 0.2
"""A key that was taken away is refused within this time; a new one is known at once."""


class KeyFile:
    """Compares in constant time; an unreadable file lets nobody in."""

    def __init__(self, path: Path | None, tell: Callable[[str], None]) -> None:
        """Reads the file; `tell` takes a line for the log when something is wrong with it."""
        self._path = path
        self._tell = tell
        self._keys: tuple[bytes, ...] = ()
        self._seen: tuple[int, int, int] | None = None
        self._next_look = 0.0
        self._problem = ""
        self._look()

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
            self._report("no key file is named: nobody gets in")
            return False
        try:
            info = self._path.stat()
            seen = (info.st_mtime_ns, info.st_size, info.st_ino)
            if seen != self._seen:
                self._keys = _read(self._path)
                self._seen = seen
            self._report(_doubt(self._keys, stat.S_IMODE(info.st_mode)))
        except (OSError, ValueError, TypeError) as error:
            self._keys, self._seen = (), None
            self._report(f"the key file cannot be read, nobody gets in: {error}")
        return self._seen != before

    def _report(self, problem: str) -> None:
        if problem and problem != self._problem:
            self._tell(problem)
        self._problem = problem


def _doubt(keys: tuple[bytes, ...], mode: int) -> str:
    if not keys:
        return "the key file holds no key: nobody gets in"
    if mode & stat.S_IRWXO:
        return f"anybody on this machine may open the key file: its mode is {mode:o}, not 600"
    return ""


def _read(path: Path) -> tuple[bytes, ...]:
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise TypeError("it is not a JSON object")
    values = (data.get("primary"), data.get("secondary"))
    return tuple(value.encode() for value in values if isinstance(value, str) and value)
