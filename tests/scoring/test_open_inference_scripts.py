"""The Open Inference Protocol over scripts and scikit-learn models, with keys, before readiness."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.open_inference import binary, infer, outputs, tensor
from tests.support.pythons import Python, pythons
from tests.support.scoring_server import Server

Serve = Callable[..., Server]


def test_a_key_is_needed_for_all_but_health(serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"primary": "k"}', encoding="utf-8")
    server = serve(auth=True, keys_file=str(keys))
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/svc/ready"):
        assert server.get(path).status_code == 200
    for path in ("/v2", "/v2/models/svc", "/v2/models/ready", "/v2/models/other", "/v2/x"):
        locked = server.get(path)
        assert locked.status_code == 401, path
        assert set(locked.json()) == {"error"}
    assert server.get("/v2/models/svc", headers={"x-api-key": "k"}).status_code == 200
    assert infer(server, path="svc").status_code == 401


def test_a_service_that_is_not_ready_says_so(serve: Serve) -> None:
    server = serve("def run(data): pass", healthy=False)
    server.wait("Failed")
    assert server.get("/v2/health/live").status_code == 503
    assert server.get("/v2/health/ready").json() == {"ready": False}
    metadata = server.get("/v2/models/svc")
    assert (metadata.status_code, set(metadata.json())) == (503, {"error"})
    refused = infer(server, tensor("body", ["{}"], "BYTES"), path="svc")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert set(refused.json()) == {"error"}


def test_a_script_without_a_schema_takes_its_body_as_text(serve: Serve) -> None:
    server = serve(
        "import json\n"
        "def init(): pass\n"
        "def run(data):\n"
        "    print('scored')\n"
        "    return {'got': json.loads(data)}\n"
    )
    text = {"name": "body", "datatype": "BYTES", "shape": [1]}
    metadata = server.get("/v2/models/svc").json()
    assert (metadata["platform"], metadata["versions"]) == ("python", ["1"])
    assert metadata["inputs"] == metadata["outputs"] == [text]
    answer = infer(server, {**text, "data": ['{"a": 1}']}, path="svc")
    (output,) = answer.json()["outputs"]
    assert output == {**text, "data": ['{"got": {"a": 1}}']}
    assert server.logged("scored")["rid"] == answer.headers["x-request-id"]
    failed = infer(server, {**text, "data": ["no json"]}, path="svc")
    assert failed.status_code == 500
    assert failed.json()["error"].startswith("An unexpected error occurred in scoring script.")
    assert infer(server, tensor("body", [1.0]), path="svc").status_code == 400
    assert infer(server, tensor("data", ["x"], "BYTES"), path="svc").status_code == 400
    assert infer(server, path="svc").status_code == 400
    page = server.get("/metrics").text
    assert 'http_server_requests_total{route="/v2/infer",status="200"} 1' in page


SCHEMA = """
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema('data', NumpyParameterType(np.array([[1.5, 2.5]])))
@input_schema('factor', StandardPythonParameterType(2))
@input_schema('names', StandardPythonParameterType(['a', 'b']))
@input_schema('options', StandardPythonParameterType({'add': 1}))
@output_schema(NumpyParameterType(np.array([3.5])))
def run(data, factor=1, names=(), options={}):
    return ((data.sum(axis=1) * factor) + options.get('add', 0) + len(names)).tolist()
"""


def test_a_scripts_schema_gives_its_tensors(serve: Serve) -> None:
    server = serve(SCHEMA)
    metadata = server.get("/v2/models/svc").json()
    assert {spec["name"]: (spec["datatype"], spec["shape"]) for spec in metadata["inputs"]} == {
        "data": ("FP64", [-1, -1]),
        "factor": ("INT64", [1]),
        "names": ("BYTES", [-1]),
        "options": ("BYTES", [1]),
    }
    assert metadata["outputs"] == [{"name": "output", "datatype": "FP64", "shape": [-1]}]
    data = tensor("data", [[1.0, 2.0], [3.0, 4.0]], "FP64")
    assert outputs(infer(server, data, path="svc")) == {"output": [3.0, 7.0]}
    whole = infer(
        server,
        {**data, "datatype": "INT32", "data": [1, 2, 3, 4]},
        tensor("factor", [10], "INT64"),
        tensor("names", ["a", "b"], "BYTES"),
        tensor("options", ['{"add": 5}'], "BYTES"),
        path="svc",
    )
    assert outputs(whole) == {"output": [37.0, 77.0]}
    for wrong in (
        tensor("options", ["{"], "BYTES"),
        tensor("factor", [1.5], "FP32"),
        tensor("other", [1.0]),
    ):
        assert infer(server, data, wrong, path="svc").status_code == 400
    missing = infer(server, tensor("factor", [1], "INT64"), path="svc")
    assert missing.json()["error"] == "A value is not provided for the 'data' parameter."


def test_a_result_that_is_no_tensor_is_one_json_text(serve: Serve) -> None:
    server = serve(SCHEMA.replace(".tolist()", ".tolist() + [None]"))
    (output,) = infer(server, tensor("data", [[1.0, 2.0]], "FP64"), path="svc").json()["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [1])
    assert json.loads(output["data"][0]) == [3.0, None]


SKLEARN = """
class Model:
    n_features_in_ = 2
    def predict(self, rows): return [sum(row) for row in rows]
    def predict_proba(self, rows): return [[0.25, 0.75] for _ in rows]
"""


def test_a_scikit_learn_model_takes_data_and_names_its_output_after_the_method(
    serve: Serve, tmp_path: Path
) -> None:
    root = tmp_path / "0/app"
    (root / "azureml-models/m/1").mkdir(parents=True)
    (root / "sklearn.py").write_text("", encoding="utf-8")
    (root / "shape.py").write_text(SKLEARN, encoding="utf-8")
    (root / "azureml-models/m/1/m.pkl").write_bytes(b"\x80\x03cshape\nModel\n)\x81.")
    server = serve(None, builtin="sklearn", model_dir="azureml-models/m/1")
    metadata = server.get("/v2/models/svc").json()
    assert metadata["platform"] == "sklearn"
    assert metadata["inputs"] == [{"name": "data", "datatype": "FP64", "shape": [-1, 2]}]
    assert metadata["outputs"][0]["name"] == "predict_proba"
    rows = tensor("data", [[1.0, 2.0], [3.0, 4.0]], "FP64")
    assert outputs(infer(server, rows, path="svc")) == {"predict_proba": [[0.25, 0.75]] * 2}
    named = infer(server, rows, path="svc", parameters={"method": "predict"})
    assert outputs(named) == {"predict": [3.0, 7.0]}
    refused = infer(server, rows, path="svc", parameters={"method": "fit"})
    assert (refused.status_code, set(refused.json())) == (400, {"error"})


@pytest.mark.parametrize("python", pythons("oldest", "newest"), ids=lambda found: found.version)
def test_tensors_need_no_numpy_and_no_young_python(
    serve: Serve, tmp_path: Path, python: Python
) -> None:
    root = tmp_path / "0/app"
    (root / "azureml-models/m/1").mkdir(parents=True)
    (root / "sklearn.py").write_text("", encoding="utf-8")
    (root / "shape.py").write_text(SKLEARN, encoding="utf-8")
    (root / "azureml-models/m/1/m.pkl").write_bytes(b"\x80\x03cshape\nModel\n)\x81.")
    settings: dict[str, Any] = {"builtin": "sklearn", "model_dir": "azureml-models/m/1"}
    models = [{"name": "net", "version": 1}]
    server = serve(None, interpreter=str(python.path), models=models, **settings)
    data = struct.pack("<4f", 1, 2, 3, 4)
    entry = {"name": "data", "datatype": "FP32", "shape": [2, 2]}
    head: dict[str, Any] = {
        "inputs": [{**entry, "parameters": {"binary_data_size": len(data)}}],
        "parameters": {"method": "predict", "binary_data_output": True},
    }
    assert outputs(binary(server, head, data)) == {"predict": [3.0, 7.0]}
    text = serve("def init(): pass\ndef run(data): return data\n", interpreter=str(python.path))
    answer = infer(text, tensor("body", ["grün"], "BYTES"), path="svc")
    assert json.loads(answer.json()["outputs"][0]["data"][0]) == "grün"
