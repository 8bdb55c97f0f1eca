"""How `run()` wants its data: the body's text, an object's values by name, or the raw request."""

import inspect
import json
import sys
from urllib.parse import parse_qs

from .failure import ScriptError
from .messages import BadRequest, Request, header_mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

TEXT = "text"
SCHEMA = "schema"
RAW = "raw"
HEADERS_PARAMETER = "request_headers"
RAW_MODULES = (
    "azureml.contrib.services.aml_request",
    "azureml_inference_server_http.api.aml_request",
)


class Style:
    """The mode, decided once at start, and what turns a request into arguments of `run()`."""

    def __init__(
        self, mode: str, wants_headers: bool, take: "Callable[[Request], Dict[str, Any]]"
    ) -> None:
        self.mode = mode
        self.wants_headers = wants_headers
        self._take = take

    def arguments(self, request: Request) -> "Dict[str, Any]":
        """Keyword arguments for `run()`.

        Raises:
            BadRequest: The request cannot be decoded for this mode.
        """
        arguments = self._take(request)
        if self.wants_headers:
            arguments[HEADERS_PARAMETER] = header_mapping(request)
        return arguments


def decorated(function: "Callable[..., Any]") -> bool:
    """It is, or the process has asked to be, called with something else than the body's text."""
    return _schema_module(function) is not None or _raw()


def parameter_names(function: "Callable[..., Any]") -> "List[str]":
    """The parameters' names.

    Raises:
        ScriptError: It has parameters that cannot be served.
    """
    return [name for name, _ in _parameters(inspect.unwrap(function))]


def analyse(run: "Callable[..., Any]") -> Style:
    """Decide the mode.

    Raises:
        ScriptError: The signature cannot be served.
    """
    schema = _schema_module(run)
    raw = _raw()
    if raw and schema:
        raise ScriptError("run() cannot be decorated with both @rawhttp and @input_schema.")
    parameters = _parameters(_innermost(run, schema))
    wants_headers = any(name == HEADERS_PARAMETER for name, _ in parameters)
    data = [(name, default) for name, default in parameters if name != HEADERS_PARAMETER]
    if not data:
        raise ScriptError("run() must take an argument for the input data.")
    if schema:
        return Style(SCHEMA, wants_headers, _schema_reader(data))
    if [name for name, default in data[1:] if default is inspect.Parameter.empty]:
        raise ScriptError(
            "run() must take one argument for the input data; @input_schema allows several."
        )
    if raw:
        from .rawrequest import build

        return Style(RAW, wants_headers, lambda request: {data[0][0]: build(request)})
    return Style(TEXT, wants_headers, lambda request: {data[0][0]: text(request)})


def schemas(run: "Optional[Callable[..., Any]]") -> "Dict[str, Any]":
    """Input and output schema and the Swagger versions that they allow, where `run()` has them."""
    module = _schema_module(run)
    if module is None:
        return {}
    found = {"input": module.get_input_schema(run), "output": module.get_output_schema(run)}
    if hasattr(module, "get_supported_versions"):
        found["versions"] = list(module.get_supported_versions(run))
    return found


def query_values(request: Request) -> "Dict[str, Any]":
    """Query parameters: each value read as JSON where it is, repeated names as a list."""
    found = parse_qs(request.query, keep_blank_values=True)
    return {
        name: _value(values[0]) if len(values) == 1 else [_value(value) for value in values]
        for name, values in found.items()
    }


def _value(text: str) -> "Any":
    try:
        return json.loads(text)
    except ValueError:
        return text


def text(request: Request) -> str:
    """The body, or the query as JSON.

    Raises:
        BadRequest: The body is not UTF-8.
    """
    if request.method == "GET":
        return json.dumps(query_values(request))
    try:
        return request.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(400, "Input cannot be decoded as UTF-8: {}".format(error))


def _raw() -> bool:
    return any(getattr(sys.modules.get(name), "_rawHttpRequested", False) for name in RAW_MODULES)


def _schema_reader(data: "List[Tuple[str, Any]]") -> "Callable[[Request], Dict[str, Any]]":
    def read(request: Request) -> "Dict[str, Any]":
        values = query_values(request) if request.method == "GET" else _json_object(request)
        arguments = {}
        for name, default in data:
            if name in values:
                arguments[name] = values[name]
            elif default is inspect.Parameter.empty:
                message = "A value is not provided for the '{}' parameter."
                raise BadRequest(400, message.format(name))
            else:
                arguments[name] = default
        return arguments

    return read


def _json_object(request: Request) -> "Dict[str, Any]":
    media = request.content_type.partition(";")[0].strip().lower()
    if media != "application/json" and not (
        media.startswith("application/") and media.endswith("+json")
    ):
        raise BadRequest(415, "Expects Content-Type to be application/json")
    if not request.body:
        raise BadRequest(400, "POST body is empty. Expecting a JSON dictionary.")
    try:
        values = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(400, "POST body could not be decoded as JSON: {}".format(error))
    if not isinstance(values, dict):
        raise BadRequest(400, "POST body should be a JSON dictionary.")
    return values


def _schema_module(run: "Optional[Callable[..., Any]]") -> "Any":
    """`inference_schema.schema_util` when it knows this function."""
    module = sys.modules.get("inference_schema.schema_util")
    if module is None or run is None or not module.is_schema_decorated(run):
        return None
    return module


def _innermost(run: "Callable[..., Any]", schema: "Any") -> "Callable[..., Any]":
    if schema is not None:
        run = schema._get_decorators(run)[-1]
    innermost: "Callable[..., Any]" = inspect.unwrap(run)
    return innermost


def _parameters(function: "Callable[..., Any]") -> "List[Tuple[str, Any]]":
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ScriptError("run() cannot have *args or **kwargs.")
        if parameter.kind == parameter.POSITIONAL_ONLY:
            raise ScriptError("run() cannot have positional-only parameters.")
        found.append((parameter.name, parameter.default))
    return found
