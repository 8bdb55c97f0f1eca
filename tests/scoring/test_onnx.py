"""Models without an entry script: every form of request and answer."""

import base64
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.support.scoring_server import Server

Serve = Callable[..., Server]


def save_model(path: Path) -> None:
    """`y = x + x`, `n = cast(x, int64)`."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    n = helper.make_tensor_value_info("n", TensorProto.INT64, ["N", 3])
    nodes = [
        helper.make_node("Add", ["x", "x"], ["y"]),
        helper.make_node("Cast", ["x"], ["n"], to=TensorProto.INT64),
    ]
    graph = helper.make_graph(nodes, "g", [x], [y, n])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("onnx")
    save_model(folder / "app/azureml-models/net/1/net.onnx")
    server = Server(folder, None, builtin="onnx", model_dir="azureml-models/net/1").start()
    server.wait("Healthy")
    yield server
    server.close()


def test_plain_lists_and_names_are_friendly_forms(server: Server) -> None:
    expected = {"y": [[2.0, 4.0, 6.0]], "n": [[1, 2, 3]]}
    for body in ({"x": [[1, 2, 3]]}, {"data": [[1, 2, 3]]}, [[1, 2, 3]], [1, 2, 3]):
        assert server.score(body).json() == expected
    assert server.score({"data": {"x": [[1, 2, 3]]}}).json() == expected


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"z": [[1, 2, 3]]}, "Unknown input z; the model takes x tensor(float)['N', 3]."),
        ({"x": [[1, 2]]}, "Got invalid dimensions"),
        ({"x": "text"}, "Input x: could not convert string to float"),
        ({"x": [[1, 2], [3]]}, "Input x: "),
        ({}, "Inputs [] were given"),
        (b"{", "The body could not be decoded as JSON"),
        (b"\xff", "The body could not be decoded as JSON"),
    ],
)
def test_what_cannot_be_an_input_is_400_and_says_why(
    server: Server, body: object, text: str
) -> None:
    answer = server.score(body)
    assert answer.status_code == 400
    assert text in answer.json()["message"]


def raw_request() -> dict[str, Any]:
    data = base64.b64encode(struct.pack("<3f", 1, 2, 3)).decode()
    tensor = {"dims": ["1", "3"], "dataType": 1, "rawData": data}
    return {"inputs": {"x": tensor}, "outputFilter": ["n"]}


def test_protobuf_json_is_v1_exact(server: Server) -> None:
    answer = server.score(raw_request(), headers={"accept": "application/json"})
    data = base64.b64encode(struct.pack("<3q", 1, 2, 3)).decode()
    tensor = {"dims": ["1", "3"], "dataType": 7, "rawData": data, "dataLocation": "DEFAULT"}
    assert answer.json() == {"outputs": {"n": tensor}}
    typed = {"inputs": {"x": {"dims": [1, 3], "data_type": 1, "float_data": [1, 2, 3]}}}
    found = server.score(typed, headers={"accept": "application/json"}).json()["outputs"]
    assert found["n"]["int64Data"] == ["1", "2", "3"]
    assert found["y"]["floatData"] == [2.0, 4.0, 6.0]


def test_bytes_come_back_unless_json_is_accepted(server: Server) -> None:
    answer = server.score(raw_request())
    assert answer.headers["content-type"] == "application/octet-stream"
    assert read_response(answer.content)["n"].tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("raw", [True, False])
def test_protobuf_bytes_are_read_and_written(server: Server, raw: bool) -> None:
    array = np.array([[1, 2, 3]], dtype=np.float32)
    if raw:
        tensor = onnx.numpy_helper.from_array(array)
    else:
        tensor = helper.make_tensor("", TensorProto.FLOAT, [1, 3], [1.0, 2.0, 3.0])
    entry = field(1, b"x") + field(2, tensor.SerializeToString())
    body = field(2, entry)
    for kind in ("application/octet-stream", "application/x-protobuf"):
        answer = server.score(body, headers={"content-type": kind})
        found = read_response(answer.content)
        assert found["y"].tolist() == [[2.0, 4.0, 6.0]]
        assert found["n"].tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xff\xff", "application/octet-stream"),
        (b"\x12\x7f", "application/octet-stream"),
        (b"", "application/octet-stream"),
        (
            b'{"inputs": {"x": {"dims": ["9"], "dataType": 1, "rawData": "AAAA"}}}',
            "application/json",
        ),
        (b'{"inputs": {"x": {"dims": ["-1"], "dataType": 1, "rawData": ""}}}', "application/json"),
        (b'{"inputs": {"x": {"dims": [], "dataType": 99, "rawData": ""}}}', "application/json"),
        (b'{"inputs": {"x": {"dims": ["1"], "dataType": 1, "rawData": ""}}}', ""),
    ],
)
def test_broken_messages_are_v1s_400(server: Server, body: bytes, kind: str) -> None:
    answer = server.score(body, headers={"content-type": kind} if kind else {})
    assert answer.status_code == 400
    assert set(answer.json()) == {"error_code", "error_message"}
    assert answer.json()["error_code"] == 400


def test_the_schema_comes_from_the_session_and_its_example_can_be_scored(server: Server) -> None:
    schema = server.get("/swagger.json").json()["definitions"]["ServiceInput"]
    assert schema["properties"]["x"]["items"]["items"] == {"type": "number"}
    assert schema["example"] == {"x": [[0.0, 0.0, 0.0]]}
    assert server.score(schema["example"]).status_code == 200


def test_a_folder_without_a_model_file_and_a_broken_file_fail_in_init(
    serve: Serve, tmp_path: Path
) -> None:
    folder = tmp_path / "0/app/azureml-models/net/1"
    folder.mkdir(parents=True)
    server = serve(None, healthy=False, builtin="onnx", model_dir="azureml-models/net/1")
    assert "should hold one model file" in server.wait("Failed")["reason"]
    (tmp_path / "1/app/azureml-models/net/1").mkdir(parents=True)
    (tmp_path / "1/app/azureml-models/net/1/a.onnx").write_bytes(b"no model")
    broken = serve(None, healthy=False, builtin="onnx", model_dir="azureml-models/net/1")
    evidence = broken.wait("Failed")["evidence"]
    assert evidence["stage"] == "init"
    assert evidence["model_tree"] == ["1/a.onnx  8 bytes"]


@pytest.mark.parametrize(
    ("kind", "package"), [("sklearn", "sklearn"), ("tensorflow", "tensorflow")]
)
def test_a_handler_without_its_package_says_what_to_add(
    serve: Serve, kind: str, package: str
) -> None:
    server = serve(
        None, healthy=False, builtin=kind, interpreter=None, variables={"PYTHONPATH": ""}
    )
    status = server.wait("Failed")
    assert package in status["reason"]
    assert "Add " in status["reason"]


SKLEARN = """
import pickle
class Model:
    n_features_in_ = 2
    def predict(self, rows): return [sum(row) for row in rows]
    def predict_proba(self, rows): return [[0.5, 0.5] for _ in rows]
    def fit(self, rows): raise AssertionError
"""


def test_sklearn_models_take_data_and_method(serve: Serve, tmp_path: Path) -> None:
    root = tmp_path / "0/app"
    (root / "azureml-models/m/1").mkdir(parents=True)
    (root / "sklearn.py").write_text("", encoding="utf-8")
    (root / "shape.py").write_text(SKLEARN, encoding="utf-8")
    (root / "azureml-models/m/1/m.pkl").write_bytes(b"\x80\x03cshape\nModel\n)\x81.")
    server = serve(None, builtin="sklearn", model_dir="azureml-models/m/1")
    assert server.score({"data": [[1, 2]], "method": "predict"}).json() == {"predict": [3]}
    assert server.score({"data": [[1, 2]]}).json() == {"predict_proba": [[0.5, 0.5]]}
    for method in ("fit", "_private", "none", 3):
        assert server.score({"data": [[1]], "method": method}).status_code == 400
    assert server.score([1]).status_code == 400
    example = server.get("/swagger.json").json()["definitions"]["ServiceInput"]["example"]
    assert example == {"data": [[0.0, 0.0]], "method": "predict_proba"}


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def read_response(data: bytes) -> dict[str, Any]:
    """Take a PredictResponse apart with onnx's own TensorProto."""
    found: dict[str, Any] = {}
    while data:
        assert data[0] == 1 << 3 | 2
        entry, data = data[2 : 2 + data[1]], data[2 + data[1] :]
        name_end = 2 + entry[1]
        tensor = TensorProto()
        tensor.ParseFromString(entry[name_end + 2 :])
        found[entry[2:name_end].decode()] = onnx.numpy_helper.to_array(tensor)
    return found
