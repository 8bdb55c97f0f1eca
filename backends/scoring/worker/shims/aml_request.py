"""`rawhttp` and `AMLRequest`; one flag for the old and the new import path."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

try:
    from flask import Request as AMLRequest
except ImportError:
    from ..rawrequest import RawRequest as AMLRequest

__all__ = ["AMLRequest", "rawhttp"]


def rawhttp(function: "Callable[..., Any]") -> "Callable[..., Any]":
    """Give `run()` the whole request."""
    for name in ("azureml.contrib.services", "azureml_inference_server_http.api"):
        module = sys.modules.get(name + ".aml_request")
        if module is not None:
            module._rawHttpRequested = True  # type: ignore[attr-defined]  # the flag of the real module
    return function
