"""`AMLResponse`: a body with status and headers."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Mapping, Optional, Tuple

__all__ = ["AMLResponse"]


class AMLResponse:
    """What `run()` returns to choose status and headers itself."""

    def __init__(
        self,
        message: "Any",
        status_code: int,
        response_headers: "Optional[Mapping[str, str]]" = None,
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        self.status_code = status_code
        self.headers = _Headers()
        if message is None:
            body, media = b"{}", "application/json"
        elif json_str:
            body, media = json.dumps(message).encode("utf-8"), "application/json"
        else:
            body, media = _bytes(message), "text/html; charset=utf-8"
        self._body = body
        for name, value in (response_headers or {}).items():
            self.headers.extend((name, part.strip()) for part in str(value).split(","))
        if not any(name.lower() == "content-type" for name, _ in self.headers):
            self.headers.append(("Content-Type", media))
        if run_function_failed:
            self.headers.append(("x-ms-run-function-failed", "True"))

    def get_data(self, as_text: bool = False) -> "Any":
        """The body."""
        return self._body.decode("utf-8") if as_text else self._body


class _Headers(List[Tuple[str, str]] if TYPE_CHECKING else list):  # type: ignore[misc]  # 3.6 has no list[]
    def items(self) -> "List[Tuple[str, str]]":
        return list(self)


def _bytes(message: "Any") -> bytes:
    return message if isinstance(message, bytes) else str(message).encode("utf-8")
