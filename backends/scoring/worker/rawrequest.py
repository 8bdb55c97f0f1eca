"""The request object that `@rawhttp` scripts get: Flask's own where it is installed, else ours."""

import io
import json
import os
from urllib.parse import parse_qs, unquote

from .messages import header_mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from .messages import Request


def build(request: "Request") -> "Any":
    """Flask's `Request` over the same bytes, or `RawRequest`."""
    try:
        from flask import Request as FlaskRequest
    except ImportError:
        return RawRequest(request)
    return FlaskRequest(environ(request))


def environ(request: "Request") -> "Dict[str, Any]":
    """The WSGI environment of a request (PEP 3333)."""
    headers = header_mapping(request)
    path = str(request.target).partition("?")[0]
    host, _, port = headers.get("Host", "localhost").partition(":")
    found: "Dict[str, Any]" = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if request.content_type:
        found["CONTENT_TYPE"] = request.content_type
    if request.body or "Content-Length" in headers:
        found["CONTENT_LENGTH"] = str(len(request.body))
    for name, value in headers.items():
        if name not in ("Content-Type", "Content-Length"):
            found["HTTP_" + name.upper().replace("-", "_")] = value
    return found


class Headers(Dict[str, str] if TYPE_CHECKING else dict):  # type: ignore[misc]  # 3.6 has no dict[]
    """Header values by name of any case."""

    def __getitem__(self, name: str) -> str:
        return str(super().__getitem__(name.title()))

    def __contains__(self, name: object) -> bool:
        return bool(super().__contains__(str(name).title()))

    def get(self, name: str, default: "Any" = None) -> "Any":
        """The value, or the default."""
        return super().get(name.title(), default)


class Values(Dict[str, str] if TYPE_CHECKING else dict):  # type: ignore[misc]  # 3.6 has no dict[]
    """First value by name; `getlist` gives all."""

    def __init__(self, text: str) -> None:
        self._all = parse_qs(text, keep_blank_values=True)
        super().__init__({name: values[0] for name, values in self._all.items()})

    def getlist(self, name: str) -> "List[str]":
        """Every value of a name."""
        return list(self._all.get(name, ()))

    def get(self, name: str, default: "Any" = None, type: "Any" = None) -> "Any":  # noqa: A002 - Flask's signature
        """The first value, converted; the default when there is none or it cannot be."""
        try:
            return self[name] if type is None else type(self[name])
        except (KeyError, ValueError):
            return default


class Upload:
    """One file of a form."""

    def __init__(self, filename: str, content_type: str, data: bytes) -> None:
        self.filename = filename
        self.content_type = self.mimetype = content_type
        self.stream = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        return self.stream.read(size)

    def save(self, target: str) -> None:
        """Write the file."""
        with open(os.fspath(target), "wb") as file:
            file.write(self.stream.getvalue())


class RawRequest:
    """The part of Flask's request API that entry scripts use."""

    def __init__(self, request: "Request") -> None:
        self.method = request.method
        self.headers = Headers(header_mapping(request))
        self.path = unquote(str(request.target).partition("?")[0])
        self.full_path = "{}?{}".format(self.path, request.query)
        self.query_string = request.query.encode("latin-1")
        self.args = Values(request.query)
        self.content_type = request.content_type or None
        self.mimetype = request.content_type.partition(";")[0].strip().lower()
        self.data = request.body
        self.stream = io.BytesIO(request.body)
        self.environ = environ(request)
        length = self.environ.get("CONTENT_LENGTH")
        self.content_length = None if length is None else int(length)
        self.scheme, self.is_secure, self.remote_addr = "http", False, None
        self.host = self.headers.get("Host", "localhost")
        self.host_url = "http://{}/".format(self.host)
        self.base_url = "http://{}{}".format(self.host, self.path)
        self.url = "http://{}{}".format(self.host, request.target)
        self._form: "Optional[Values]" = None
        self._files: "Dict[str, Upload]" = {}

    def get_data(self, cache: bool = True, as_text: bool = False) -> "Any":  # noqa: ARG002 - Flask's signature
        """The body."""
        return self.data.decode("utf-8", "replace") if as_text else self.data

    @property
    def is_json(self) -> bool:
        """The body is said to be JSON."""
        return bool(self.mimetype.endswith(("/json", "+json")))

    @property
    def json(self) -> "Any":
        """The body as JSON."""
        return self.get_json()

    def get_json(self, force: bool = False, silent: bool = False) -> "Any":
        """The body as JSON; None when it is not said to be."""
        if not (force or self.is_json):
            return None
        try:
            return json.loads(self.data.decode("utf-8"))
        except ValueError:
            if silent:
                return None
            raise

    @property
    def cookies(self) -> "Dict[str, str]":
        """Cookies by name."""
        pairs = (part.strip().partition("=") for part in self.headers.get("Cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}

    @property
    def form(self) -> Values:
        """Form fields."""
        return self._parsed()

    @property
    def values(self) -> "Dict[str, str]":
        """Form fields and, before them, query parameters."""
        return dict(self.form, **self.args)

    @property
    def files(self) -> "Dict[str, Upload]":
        """Uploaded files by field name."""
        self._parsed()
        return self._files

    def _parsed(self) -> Values:
        form = self._form
        if form is None:
            if self.mimetype == "multipart/form-data":
                form = self._multipart()
            elif self.mimetype == "application/x-www-form-urlencoded":
                form = Values(self.data.decode("utf-8", "replace"))
            else:
                form = Values("")
            self._form = form
        return form

    def _multipart(self) -> Values:
        from email.parser import BytesParser
        from urllib.parse import urlencode

        start = "Content-Type: {}\r\n\r\n".format(self.content_type).encode("latin-1")
        message = BytesParser().parsebytes(start + self.data)
        fields = []
        parts: "Any" = message.get_payload() if message.is_multipart() else []
        for part in parts:
            name = str(part.get_param("name", "", "content-disposition"))
            data = part.get_payload(decode=True) or b""
            filename = part.get_filename()
            if filename is None:
                fields.append((name, data.decode("utf-8", "replace")))
            else:
                self._files[name] = Upload(filename, part.get_content_type(), data)
        return Values(urlencode(fields))
