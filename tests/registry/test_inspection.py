"""What is found inside ONNX models, and that hostile ones do no harm."""

import io
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from backends.registry.inspection import numpy_name
from backends.registry.onnx_header import read_opset
from backends.registry.records import Framework, Registration, Tensor
from backends.registry.registry import Registry


def model(*, opset: int = 17, weights: int = 4) -> onnx.ModelProto:
    """y = x W with a free first dimension."""
    initial = helper.make_tensor("W", TensorProto.FLOAT, [weights, 2], [1.0] * weights * 2)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "W"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", weights])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [initial],
    )
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("com.example", 3), helper.make_opsetid("", opset)],
        producer_name="a test",
    )
    made.ir_version = 8
    helper.set_model_props(made, {"author": "nobody"})
    return made


def register(registry: Registry, path: Path) -> None:
    registry.register(Registration(name="x", path=str(path)))


def test_model_is_described(registry: Registry, tmp_path: Path) -> None:
    onnx.save(model(), tmp_path / "model.onnx")
    register(registry, tmp_path / "model.onnx")
    found = registry.get("x")
    assert found.framework is Framework.ONNX
    assert found.schema_problem == ""
    schema = found.schema
    assert schema is not None
    assert schema.inputs == (Tensor(name="x", dtype="float32", shape=("batch", 4)),)
    assert [(one.name, one.dtype) for one in schema.outputs] == [("y", "float32")]
    assert (schema.opset, schema.producer) == (17, "a test")
    assert schema.metadata == {"author": "nobody"}


def test_model_that_keeps_its_weights_in_another_file_is_described(
    registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "big"
    folder.mkdir()
    onnx.save(
        model(weights=400),
        folder / "model.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    register(registry, folder)
    assert registry.get("x").schema is not None


def test_model_that_reaches_outside_its_folder_is_not_read(
    registry: Registry, tmp_path: Path
) -> None:
    made = model()
    weights = made.graph.initializer[0]
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../../../../../etc/passwd")
    (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
    register(registry, tmp_path / "model.onnx")
    found = registry.get("x")
    assert found.schema is None
    assert found.schema_problem


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"garbage" * 50, b"\xff" * 1000])
def test_file_that_is_no_model_is_stored_with_the_problem(
    registry: Registry, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "model.onnx").write_bytes(data)
    register(registry, tmp_path / "model.onnx")
    found = registry.get("x")
    assert found.schema is None
    assert found.schema_problem
    assert str(tmp_path) not in found.schema_problem


def test_model_that_claims_terabytes_does_no_harm(registry: Registry, tmp_path: Path) -> None:
    made = model()
    made.graph.initializer[0].dims[:] = [1_000_000, 1_000_000]
    (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
    register(registry, tmp_path / "model.onnx")
    assert registry.get("x").schema_problem


def test_model_with_an_endless_description_is_not_described(
    registry: Registry, tmp_path: Path
) -> None:
    made = model()
    helper.set_model_props(made, {"note": "x" * 2_000_000})
    (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
    register(registry, tmp_path / "model.onnx")
    assert "longer than" in registry.get("x").schema_problem


def test_several_models_have_no_common_schema(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "pair"
    folder.mkdir()
    for name in ("encoder.onnx", "decoder.onnx"):
        onnx.save(model(), folder / name)
    register(registry, folder)
    found = registry.get("x")
    assert found.schema is None
    assert found.schema_problem.startswith("2 ONNX files")


def test_registry_itself_never_imports_onnxruntime() -> None:
    code = "import sys, backends.registry.registry; print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("tensor(float)", "float32"),
        ("tensor(double)", "float64"),
        ("tensor(int64)", "int64"),
        ("tensor(string)", "str"),
        ("tensor(bool)", "bool"),
        ("tensor(float16)", "float16"),
        ("seq(map(int64,tensor(float)))", "seq(map(int64,tensor(float)))"),
    ],
)
def test_element_types_have_numpys_names(kind: str, name: str) -> None:
    assert numpy_name(kind) == name


@given(st.binary(max_size=200))
def test_any_bytes_are_read_for_an_opset(data: bytes) -> None:
    found = read_opset(io.BytesIO(data))
    assert found is None or found >= 0


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_damaged_model_is_read_for_an_opset(position: int, damage: bytes) -> None:
    data = bytearray(model().SerializeToString())
    data[position : position + len(damage)] = damage
    found = read_opset(io.BytesIO(bytes(data)))
    assert found is None or found >= 0


def test_opset_is_that_of_the_default_operators() -> None:
    assert read_opset(io.BytesIO(model(opset=13).SerializeToString())) == 13


def test_what_is_said_to_be_onnx_is_looked_into_under_any_name(
    registry: Registry, tmp_path: Path
) -> None:
    onnx.save(model(), tmp_path / "weights.bin")
    (tmp_path / "words.txt").write_text("no model at all")
    for name, problem in (("weights.bin", False), ("words.txt", True)):
        request = Registration(name=name, path=str(tmp_path / name), framework=Framework.ONNX)
        found = registry.register(request)
        assert bool(found.schema_problem) is problem
        assert (found.schema is None) is problem
