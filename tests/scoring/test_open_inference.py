"""The Open Inference Protocol v2: health, metadata, inference in JSON and in binary, errors."""

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import onnx
import pytest
from onnx import TensorProto, helper

from tests.support.open_inference import CODES, binary, infer, outputs, tensor
from tests.support.scoring_server import Server

Serve = Callable[..., Server]
OPSETS = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 1)]
VALUES = {
    "FP16": (TensorProto.FLOAT16, 2.5),
    "FP32": (TensorProto.FLOAT, 2.5),
    "FP64": (TensorProto.DOUBLE, 2.5),
    "INT8": (TensorProto.INT8, -3),
    "INT16": (TensorProto.INT16, -3),
    "INT32": (TensorProto.INT32, -3),
    "INT64": (TensorProto.INT64, -(2**62)),
    "UINT8": (TensorProto.UINT8, 200),
    "UINT16": (TensorProto.UINT16, 60_000),
    "UINT32": (TensorProto.UINT32, 4_000_000_000),
    "UINT64": (TensorProto.UINT64, 2**63 + 1),
    "BOOL": (TensorProto.BOOL, True),
}
"""Data types to ONNX's number and a value that few other types hold."""


def save(path: Path, nodes: Any, inputs: Any, outputs: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=OPSETS, ir_version=8)
    onnx.save(model, path)


def save_sums(path: Path) -> None:
    """`y = a + b`, `n = cast(a, int64)`."""
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Add", ["a", "b"], ["y"]),
        helper.make_node("Cast", ["a"], ["n"], to=TensorProto.INT64),
    ]
    inputs = [value(name, TensorProto.FLOAT, ["N", 3]) for name in ("a", "b")]
    outputs = [value("y", TensorProto.FLOAT, ["N", 3]), value("n", TensorProto.INT64, ["N", 3])]
    save(path, nodes, inputs, outputs)


def save_identities(path: Path) -> None:
    """Every data type comes back as it is, text too."""
    numbers = {**{name: kind[0] for name, kind in VALUES.items()}, "BYTES": TensorProto.STRING}
    value = helper.make_tensor_value_info
    save(
        path,
        [helper.make_node("Identity", [name], [f"out_{name}"]) for name in numbers],
        [value(name, number, ["N"]) for name, number in numbers.items()],
        [value(f"out_{name}", number, ["N"]) for name, number in numbers.items()],
    )


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sums")
    save_sums(folder / "app/azureml-models/net/7/net.onnx")
    models = [{"name": "net", "version": 7, "digest": "d"}]
    settings: dict[str, Any] = {"builtin": "onnx", "model_dir": "azureml-models/net/7"}
    server = Server(folder, None, models=models, **settings).start()
    server.wait("Healthy")
    yield server
    server.close()


A, B = tensor("a", [[1, 2, 3]]), tensor("b", [[10, 20, 30]])


def test_the_server_and_the_model_are_described(sums: Server) -> None:
    assert sums.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert sums.get("/v2/health/live").json() == {"live": True}
    assert sums.get("/v2/health/ready").json() == {"ready": True}
    assert sums.get("/v2/models/net/ready").json() == {"name": "net", "ready": True}
    metadata = sums.get("/v2/models/net").json()
    assert metadata == {
        "name": "net",
        "versions": ["7"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": n, "datatype": "FP32", "shape": [-1, 3]} for n in ("a", "b")],
        "outputs": [
            {"name": "y", "datatype": "FP32", "shape": [-1, 3]},
            {"name": "n", "datatype": "INT64", "shape": [-1, 3]},
        ],
    }
    for path in ("net/versions/7", "svc", "svc/versions/7"):
        assert sums.get(f"/v2/models/{path}").json() == metadata
        assert sums.get(f"/v2/models/{path}/ready").status_code == 200


def test_tensors_go_in_and_come_out_as_json(sums: Server) -> None:
    answer = infer(sums, A, B, id="42", path="net/versions/7")
    assert answer.json() == {
        "model_name": "net",
        "model_version": "7",
        "id": "42",
        "outputs": [
            {"name": "y", "datatype": "FP32", "shape": [1, 3], "data": [11.0, 22.0, 33.0]},
            {"name": "n", "datatype": "INT64", "shape": [1, 3], "data": [1, 2, 3]},
        ],
    }
    assert float(answer.headers["x-ms-run-fn-exec-ms"]) >= 0
    assert len(answer.headers["x-request-id"]) == 36
    flat = infer(sums, {**A, "data": [1, 2, 3]}, B, outputs=[{"name": "n"}])
    assert outputs(flat) == {"n": [[1, 2, 3]]}
    assert "id" not in flat.json()
    empty = {"datatype": "FP32", "shape": [0, 3], "data": []}
    assert outputs(infer(sums, {"name": "a", **empty}, {"name": "b", **empty}))["y"] == []


@pytest.mark.parametrize("wanted", ["each", "all", "json"])
def test_tensors_go_in_and_come_out_as_bytes(sums: Server, wanted: str) -> None:
    a, b = struct.pack("<3f", 1, 2, 3), struct.pack("<3f", 10, 20, 30)
    head: dict[str, Any] = {
        "inputs": [
            {**B, "data": None, "parameters": {"binary_data_size": len(b)}},
            {**A, "data": None, "parameters": {"binary_data_size": len(a)}},
        ]
    }
    for entry in head["inputs"]:
        del entry["data"]
    if wanted == "all":
        head["parameters"] = {"binary_data_output": True}
    elif wanted == "each":
        head["outputs"] = [
            {"name": "n"},
            {"name": "y", "parameters": {"binary_data": True}},
        ]
    answer = binary(sums, head, b + a)
    assert outputs(answer) == {"y": [[11.0, 22.0, 33.0]], "n": [[1, 2, 3]]}
    assert ("inference-header-content-length" in answer.headers) == (wanted != "json")


def test_one_input_may_be_json_and_the_other_bytes(sums: Server) -> None:
    data = struct.pack("<3f", 1, 2, 3)
    head = {"inputs": [B, {**A, "parameters": {"binary_data_size": len(data)}}]}
    del head["inputs"][1]["data"]
    assert outputs(binary(sums, head, data))["y"] == [[11.0, 22.0, 33.0]]


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("identities")
    save_identities(folder / "app/azureml-models/net/1/net.onnx")
    models = [{"name": "net", "version": 1, "digest": "d"}]
    settings: dict[str, Any] = {"builtin": "onnx", "model_dir": "azureml-models/net/1"}
    server = Server(folder, None, models=models, **settings).start()
    server.wait("Healthy")
    yield server
    server.close()


def everything(as_bytes: bool) -> tuple[list[dict[str, Any]], bytes]:
    """One input of each type; texts are length-prefixed in binary."""
    entries, data = [], b""
    for name, (_, value) in VALUES.items():
        entry = tensor(name, [value], name)
        if as_bytes:
            piece = struct.pack(CODES[name], value)
            data += piece
            del entry["data"]
            entry["parameters"] = {"binary_data_size": len(piece)}
        entries.append(entry)
    text = tensor("BYTES", ["grün"], "BYTES")
    if as_bytes:
        piece = struct.pack("<I", 5) + "grün".encode()
        data += piece
        del text["data"]
        text["parameters"] = {"binary_data_size": len(piece)}
    return [*entries, text], data


@pytest.mark.parametrize("as_bytes", [True, False])
def test_every_data_type_survives_in_both_forms(identities: Server, as_bytes: bool) -> None:
    inputs, data = everything(as_bytes)
    answer = binary(identities, {"inputs": inputs}, data, None if as_bytes else "")
    found = outputs(answer)
    for name, (_, value) in VALUES.items():
        assert found[f"out_{name}"] == [value], name
    assert found["out_BYTES"] == ["grün"]
    wanted = {"inputs": inputs, "outputs": [{"name": "out_BYTES"}]}
    wanted["outputs"][0]["parameters"] = {"binary_data": True}
    raw = binary(identities, wanted, data, None if as_bytes else "")
    assert raw.content.endswith(struct.pack("<I", 5) + "grün".encode())


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"inputs": [A]}, "Inputs ['a'] were given"),
        ({"inputs": [A, B, tensor("c", [1])]}, "Inputs ['a', 'b', 'c'] were given"),
        ({"inputs": [A, A]}, "input a is given twice"),
        ({"inputs": [{**A, "datatype": "FP64"}, B]}, "input a is FP64; the model takes"),
        ({"inputs": [{**A, "datatype": "BF16"}, B]}, 'datatype "BF16" is none of BOOL'),
        ({"inputs": [{**A, "shape": [1, 4]}, B]}, "3 values do not fill shape [1, 4]"),
        ({"inputs": [{**A, "shape": [-1, 3]}, B]}, "shape should be a list of sizes"),
        ({"inputs": [{**A, "shape": [1 << 40]}, B]}, "is too large"),
        ({"inputs": [{**A, "data": [["x", "y", "z"]]}, B]}, "str is no value of FP32"),
        ({"inputs": [{**A, "data": [[1], 2, 3]}, B]}, "neither flat nor evenly nested"),
        ({"inputs": [{"name": "a", "datatype": "FP32", "shape": [1, 3]}, B]}, "a has no data"),
        ({"inputs": [tensor("a", [[1, 2]]), B]}, "invalid dimensions"),
        ({"inputs": [A, B], "outputs": [{"name": "z"}]}, "Unknown output z"),
        ({"inputs": [A, B], "outputs": [{}]}, "every output should be an object with a name"),
        (
            {"inputs": [A, B], "outputs": [{"name": "y", "parameters": {"classification": 2}}]},
            "classification is not offered",
        ),
        ({"inputs": [A, B], "outputs": 1}, "outputs should be a list"),
        ({"inputs": [A, B], "outputs": {"name": "y"}}, "outputs should be a list"),
        ({"inputs": [A, B], "id": 7}, "id should be a string"),
        ({"inputs": [A, B], "parameters": [1]}, "parameters should be an object"),
        ({"inputs": {}}, "a list of inputs"),
        ([], "a JSON object"),
    ],
)
def test_what_is_no_request_is_400_with_the_reason(sums: Server, fields: Any, text: str) -> None:
    answer = httpx.post(f"{sums.url}/v2/models/net/infer", json=fields)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert text in answer.json()["error"]


@pytest.mark.parametrize(
    ("size", "declared", "data", "text"),
    [
        (12, None, b"\0" * 8, "does not fit the binary data"),
        (12, None, b"\0" * 16, "4 bytes of binary data belong to no input"),
        (11, None, b"\0" * 11, "no whole FP32 values"),
        (-1, None, b"", "does not fit the binary data"),
        ("12", None, b"\0" * 12, "does not fit the binary data"),
        (12, 99999, b"\0" * 12, "Inference-Header-Content-Length 99999 does not fit"),
        (12, -5, b"\0" * 12, "does not fit"),
        (12, "ten", b"\0" * 12, "does not fit"),
        (12, 3, b"\0" * 12, "could not be decoded as JSON"),
    ],
)
def test_binary_data_that_does_not_fit_is_400(
    sums: Server, size: Any, declared: Any, data: bytes, text: str
) -> None:
    entry = {"name": "a", "datatype": "FP32", "shape": [1, 3]}
    head = {"inputs": [{**entry, "parameters": {"binary_data_size": size}}, B]}
    answer = binary(sums, head, data, declared)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert text in answer.json()["error"]


def test_an_output_that_is_no_tensor_is_a_text_of_json(serve: Serve, tmp_path: Path) -> None:
    number = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    maps = helper.make_sequence_type_proto(helper.make_map_type_proto(TensorProto.INT64, number))
    node = helper.make_node("ZipMap", ["x"], ["p"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])
    path = tmp_path / "0/app/azureml-models/net/1/net.onnx"
    save(path, [node], [x], [helper.make_value_info("p", maps)])
    server = serve(None, builtin="onnx", model_dir="azureml-models/net/1")
    described = server.get("/v2/models/svc").json()["outputs"]
    assert described == [{"name": "p", "datatype": "BYTES", "shape": [1]}]
    (output,) = infer(server, tensor("x", [[0.25, 0.75]]), path="svc").json()["outputs"]
    assert json.loads(output["data"][0]) == [{"0": 0.25, "1": 0.75}]


def test_broken_texts_are_400(identities: Server) -> None:
    entry = {"name": "BYTES", "datatype": "BYTES", "shape": [1]}
    surrogate = tensor("BYTES", ["\ud800"], "BYTES")
    assert "surrogates" in infer(identities, surrogate).json()["error"]
    for data in (b"\x05\0\0\0abc", b"\x01\0", b"\x01\0\0\0\xff", b"\xff\xff\xff\xff"):
        head = {"inputs": [{**entry, "parameters": {"binary_data_size": len(data)}}]}
        answer = binary(identities, head, data)
        assert answer.status_code == 400
        assert "input BYTES" in answer.json()["error"]
    for name, value in (("INT8", 128), ("UINT8", -1), ("BOOL", 1), ("INT32", 1.5), ("INT32", True)):
        answer = infer(identities, tensor(name, [value], name))
        assert answer.status_code == 400, name


def test_wrong_paths_models_and_methods_have_the_protocols_errors(sums: Server) -> None:
    for path in ("/v2/nothing", "/v2/models", "/v2/models/net/versions", "/v2/models/net/config"):
        answer = sums.get(path)
        assert (answer.status_code, set(answer.json())) == (404, {"error"})
    assert "serves net" in sums.get("/v2/models/other").json()["error"]
    assert "has version 7" in sums.get("/v2/models/net/versions/8/ready").json()["error"]
    assert sums.get("/v2/models/net/infer").status_code == 405
    assert httpx.post(f"{sums.url}/v2/models/net").status_code == 405
    assert httpx.options(f"{sums.url}/v2/models/net/infer").status_code == 200
    long = httpx.post(f"{sums.url}/v2/models/net/infer", headers={"x-request-id": "x" * 101})
    assert (long.status_code, set(long.json())) == (431, {"error"})
    packed = httpx.post(f"{sums.url}/v2/models/net/infer", headers={"content-encoding": "gzip"})
    assert packed.status_code == 415
    assert sums.get("/v2x").json()["message"].startswith("The requested URL")
    assert sums.get("/api/v1/service/svc/v2/models/net").status_code == 200
