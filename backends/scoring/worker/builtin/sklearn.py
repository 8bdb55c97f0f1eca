"""A pickled scikit-learn estimator: `{"data": rows, "method": name}` gives `{name: result}`."""

import json
import time

from .. import failure, output
from ..failure import ScriptError
from ..messages import Answer, BadRequest, Request, Runner
from .files import find_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

SUFFIXES = (".pkl", ".pickle", ".joblib", ".sav")
CHANGING = ("_", "fit", "partial_fit", "set_")
"""Beginnings of methods that no request may call: private ones, those that change the model."""


class Handler(Runner):
    """One estimator."""

    def __init__(self, config: "Dict[str, Any]") -> None:
        self._folder = config["model_dir"]
        self._model: "Any" = None

    def load(self) -> None:
        """Import scikit-learn, so that its absence is said plainly."""
        try:
            import sklearn  # noqa: F401 - a missing one is reported here
        except ImportError as error:
            raise ScriptError(
                "This environment cannot serve scikit-learn models: {}. Add scikit-learn.".format(
                    error
                )
            )

    def init(self) -> None:
        """Unpickle the model."""
        path = find_file(self._folder, SUFFIXES)
        try:
            import joblib

            self._model = joblib.load(path)
        except ImportError:
            import pickle

            with open(path, "rb") as file:
                self._model = pickle.load(file)  # noqa: S301 - the service's own trusted model

    def describe(self) -> "Dict[str, Any]":
        """Rows and a method name."""
        width = getattr(self._model, "n_features_in_", 1)
        rows = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
        schema = {
            "type": "object",
            "properties": {"data": rows, "method": {"type": "string"}},
            "required": ["data"],
            "example": {"data": [[0.0] * int(width)], "method": self._default_method()},
        }
        return {
            "mode": "sklearn",
            "headers": False,
            "input": schema,
            "output": None,
            "tensors": self._tensors(int(width)),
        }

    def _tensors(self, width: int) -> "Dict[str, Any]":
        """Rows in; what the default method gives out, named as that method."""
        method = self._default_method()
        classes = getattr(self._model, "classes_", None)
        kind = getattr(getattr(classes, "dtype", None), "kind", "f")
        shape, datatype = [-1], {"i": "INT64", "b": "BOOL", "f": "FP64"}.get(kind, "BYTES")
        if method == "predict_proba":
            shape, datatype = [-1, -1 if classes is None else len(classes)], "FP64"
        return {
            "platform": "sklearn",
            "inputs": [{"name": "data", "datatype": "FP64", "shape": [-1, width]}],
            "outputs": [{"name": method, "datatype": datatype, "shape": shape}],
        }

    def answer(self, request: Request) -> Answer:
        """Call the method on the rows."""
        try:
            name, data = self._read(request)
        except BadRequest as error:
            return Answer.problem(error.status, error.message)
        started = time.perf_counter()
        try:
            result = getattr(self._model, name)(data)
        except Exception as error:
            output.report("ERROR", failure.describe(error))
            status = 400 if isinstance(error, (ValueError, TypeError)) else 500
            return Answer.problem(status, "{} failed: {}".format(name, error))
        elapsed = (time.perf_counter() - started) * 1000
        plain = result.tolist() if hasattr(result, "tolist") else result
        return Answer(200, json.dumps({name: plain}).encode("ascii"), run_ms=elapsed)

    def _default_method(self) -> str:
        return "predict_proba" if hasattr(self._model, "predict_proba") else "predict"

    def _read(self, request: Request) -> "Any":
        try:
            values = json.loads(request.body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise BadRequest(400, "The body could not be decoded as JSON: {}".format(error))
        if not isinstance(values, dict) or "data" not in values:
            raise BadRequest(400, "The body should be a JSON object with `data`.")
        name = values.get("method") or self._default_method()
        if (
            not isinstance(name, str)
            or name.startswith(CHANGING)
            or not callable(getattr(self._model, name, None))
        ):
            raise BadRequest(400, "The model has no method {!r} for requests.".format(name))
        return name, _table(values["data"])


def _table(data: "Any") -> "Any":
    """Records become a data frame where pandas is installed; lists stay as they are."""
    if isinstance(data, list) and data and isinstance(data[0], dict):
        try:
            import pandas
        except ImportError:
            raise BadRequest(400, "Rows by column name need pandas in the environment.")
        return pandas.DataFrame(data)
    return data
