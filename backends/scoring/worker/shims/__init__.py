"""Modules that old entry scripts import, only where the environment has no real ones."""

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Optional

TABLE = {
    "azureml": None,
    "azureml.core": "model",
    "azureml.core.model": "model",
    "azureml.contrib": None,
    "azureml.contrib.services": None,
    "azureml.contrib.services.aml_request": "aml_request",
    "azureml.contrib.services.aml_response": "aml_response",
    "azureml_inference_server_http": None,
    "azureml_inference_server_http.api": None,
    "azureml_inference_server_http.api.aml_request": "aml_request",
    "azureml_inference_server_http.api.aml_response": "aml_response",
    "azureml_inference_server_http.log_config": "log_config",
    "azureml.monitoring": "monitoring",
    "azureml.telemetry": "automl",
    "azureml.automl": None,
    "azureml.automl.core": None,
    "azureml.automl.core.shared": None,
    "azureml.automl.core.shared.log_server": "automl",
    "azureml.automl.core.shared.logging_utilities": "automl",
    "sklearn.externals.joblib": "joblib",
}
"""Module name to the module here (or, for joblib, of the environment) whose names it gets."""


class Finder:
    """The last finder asked: whatever the environment has wins."""

    def find_spec(self, name: str, *_: "Any") -> "Optional[ModuleSpec]":
        """A spec for the names of the table."""
        if name not in TABLE:
            return None
        if name == "sklearn.externals.joblib" and importlib.util.find_spec("joblib") is None:
            return None
        package = any(other.startswith(name + ".") for other in TABLE)
        return ModuleSpec(name, self, origin="pilothouse", is_package=package)  # type: ignore[arg-type]  # duck-typed loader

    def create_module(self, spec: ModuleSpec) -> None:  # noqa: ARG002 - the import system's signature
        """The usual module object."""
        return

    def exec_module(self, module: "ModuleType") -> None:
        """Fill it with the public names of its source."""
        source = TABLE[module.__name__]
        if source is None:
            return
        if source == "joblib":
            real = importlib.import_module("joblib")
        else:
            real = importlib.import_module("{}.{}".format(__name__, source))
        for key, value in vars(real).items():
            if not key.startswith("_"):
                setattr(module, key, value)


def install() -> None:
    """Append the finder."""
    sys.meta_path.append(Finder())
