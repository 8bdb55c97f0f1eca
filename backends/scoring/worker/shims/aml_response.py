"""`AMLResponse`: a body with status and headers; a Flask response where Flask is installed."""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, Optional

    from ..rawresponse import RawResponse as Base
else:
    try:
        from flask import Response as Base
    except ImportError:
        from ..rawresponse import RawResponse as Base

__all__ = ["AMLResponse"]


class AMLResponse(Base):
    """What `run()` returns to choose status and headers itself."""

    def __init__(
        self,
        message: "Any",
        status_code: int,
        response_headers: "Optional[Mapping[str, str]]" = None,
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        if message is None or json_str:
            text = json.dumps({} if message is None else message)
            super().__init__(text, status=status_code, mimetype="application/json")
        else:
            super().__init__(message, status=status_code)
        given = {str(name): str(value) for name, value in (response_headers or {}).items()}
        if any(name.lower() == "content-type" for name in given):
            self.headers.remove("Content-Type")
        self.headers["x-ms-run-function-failed"] = str(run_function_failed)
        for name, value in given.items():
            for part in value.split(","):
                self.headers.add(name, part.strip())
