"""SavedModels over TensorFlow Serving's shapes; a stand-in for the package runs the graph."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.open_inference import infer, outputs, tensor
from tests.support.scoring_server import Server

Serve = Callable[..., Server]
TENSORFLOW = """
import numpy
class Kind:
    def __init__(self, name): self.name = name
class Shape:
    def __init__(self, sizes): self.sizes = sizes
    def as_list(self): return list(self.sizes)
class Spec:
    def __init__(self, kind, *sizes): self.dtype, self.shape = Kind(kind), Shape(sizes)
class Tensor:
    def __init__(self, array): self.array = array
    def numpy(self): return self.array
def constant(value, dtype): return Tensor(numpy.array(value, dtype=dtype.name))
class Signature:
    def __init__(self, function, inputs, outputs):
        self.function, self.structured_outputs = function, outputs
        self.structured_input_signature = ((), inputs)
    def __call__(self, **tensors):
        found = self.function(**{name: tensor.array for name, tensor in tensors.items()})
        return {name: Tensor(array) for name, array in found.items()}
class Model:
    signatures = {
        "serving_default": Signature(
            lambda a, b: {"sum": a.sum(axis=1) + b, "twice": a * 2},
            {"a": Spec("float32", None, 2), "b": Spec("float32", None)},
            {"sum": Spec("float32", None), "twice": Spec("float32", None, 2)}),
        "single": Signature(
            lambda x: {"y": -x}, {"x": Spec("int64", None)}, {"y": Spec("int64", None)}),
        "echo": Signature(
            lambda t: {"t": t}, {"t": Spec("object", None)}, {"t": Spec("object", None)}),
    }
class saved_model:
    @staticmethod
    def load(folder): return Model()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tensorflow")
    model = folder / "app/azureml-models/net/1/saved"
    model.mkdir(parents=True)
    (model / "saved_model.pb").touch()
    (folder / "app/tensorflow.py").write_text(TENSORFLOW, encoding="utf-8")
    settings: dict[str, Any] = {"builtin": "tensorflow", "model_dir": "azureml-models/net/1"}
    server = Server(folder, None, models=[{"name": "net", "version": 1}], **settings).start()
    server.wait("Healthy")
    yield server
    server.close()


def test_rows_and_columns_are_answered_in_kind(server: Server) -> None:
    rows = [{"a": [1, 2], "b": 10}, {"a": [3, 4], "b": 20}]
    assert server.score({"instances": rows}).json() == {
        "predictions": [{"sum": 13.0, "twice": [2.0, 4.0]}, {"sum": 27.0, "twice": [6.0, 8.0]}]
    }
    columns = {"a": [[1, 2]], "b": [10]}
    assert server.score({"inputs": columns}).json() == {
        "outputs": {"sum": [13.0], "twice": [[2.0, 4.0]]}
    }


def test_a_signature_of_one_input_and_output_needs_no_names(server: Server) -> None:
    single = {"signature_name": "single"}
    assert server.score({**single, "instances": [1, 2]}).json() == {"predictions": [-1, -2]}
    assert server.score({**single, "inputs": [1, 2]}).json() == {"outputs": [-1, -2]}


def test_bytes_travel_as_base64(server: Server) -> None:
    raw = {"b64": base64.b64encode(b"\xff\x00").decode()}
    found = server.score({"signature_name": "echo", "instances": [raw, {"b64": "aGk="}]})
    assert found.json() == {"predictions": [raw, "hi"]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "could not be decoded"),
        ({}, "either `instances` or `inputs`"),
        ({"instances": [], "inputs": []}, "either `instances` or `inputs`"),
        ({"instances": [1], "signature_name": "none"}, "No signature 'none'"),
        ({"instances": [1]}, "Give the inputs by name"),
        ({"inputs": {"a": [[1, 2]]}}, "The inputs are ['a', 'b']"),
        ({"inputs": {"a": "x", "b": [1]}}, "could not convert"),
    ],
)
def test_what_cannot_be_run_is_400(server: Server, body: Any, text: str) -> None:
    answer = server.score(body)
    assert answer.status_code == 400
    assert text in answer.json()["message"]


def test_tensorflow_servings_own_address_is_known(server: Server) -> None:
    body = {"inputs": {"a": [[1, 2]], "b": [10]}}
    expected = server.score(body).json()
    for path in (
        "/v1/models/net:predict",
        "/v1/models/net/versions/1:predict",
        "/api/v1/service/svc/v1/models/net:predict",
    ):
        assert httpx.post(server.url + path, json=body).json() == expected
    for path in ("/v1/models/net", "/v1/models/net:classify", "/v1/models/a/b:predict"):
        assert httpx.post(server.url + path, json=body).status_code == 404


def test_other_services_do_not_know_that_address(serve: Serve) -> None:
    assert httpx.post(f"{serve().url}/v1/models/net:predict").status_code == 404


def test_tensors_are_taken_and_given(server: Server) -> None:
    metadata = server.get("/v2/models/net").json()
    assert metadata["platform"] == "tensorflow_savedmodel"
    assert metadata["inputs"] == [
        {"name": "a", "datatype": "FP32", "shape": [-1, 2]},
        {"name": "b", "datatype": "FP32", "shape": [-1]},
    ]
    answer = infer(server, tensor("a", [[1.0, 2.0]]), tensor("b", [10.0]))
    assert outputs(answer) == {"sum": [13.0], "twice": [[2.0, 4.0]]}
    assert {output["datatype"] for output in answer.json()["outputs"]} == {"FP32"}
    wanted = infer(
        server, tensor("a", [[1.0, 2.0]]), tensor("b", [10.0]), outputs=[{"name": "sum"}]
    )
    assert outputs(wanted) == {"sum": [13.0]}
    alone = infer(server, tensor("a", [[1.0, 2.0]]))
    assert (alone.status_code, alone.json()["error"]) == (400, "The inputs are ['a', 'b'].")


def test_a_folder_without_a_saved_model_fails_in_init(serve: Serve, tmp_path: Path) -> None:
    root = tmp_path / "0/app"
    (root / "azureml-models/net/1").mkdir(parents=True)
    (root / "tensorflow.py").write_text(TENSORFLOW, encoding="utf-8")
    server = serve(None, healthy=False, builtin="tensorflow", model_dir="azureml-models/net/1")
    assert "should hold one SavedModel, but holds 0" in server.wait("Failed")["reason"]
