"""Small ONNX classifiers built layer by layer, so that no converter is needed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from msgspec import Struct
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
IR_VERSION = 8

Floats = NDArray[np.float64]


class Classifier(Struct, frozen=True, kw_only=True):
    """A softmax classifier: inputs divided by `scale`, then dense layers with ReLU between."""

    name: str
    input_name: str
    layers: Sequence[tuple[Floats, Floats]]
    """(weights of shape [in, out], biases of shape [out]) each."""
    scale: float = 1.0
    metadata: tuple[tuple[str, str], ...] = ()


def save(classifier: Classifier, path: Path) -> None:
    """Write the graph: floats [batch, in] -> `label` [batch], `probabilities` [batch, out]."""
    features, classes = classifier.layers[0][0].shape[0], classifier.layers[-1][0].shape[1]
    nodes, weights = _dense_layers(classifier)
    nodes += [
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        classifier.name,
        [_value(classifier.input_name, TensorProto.FLOAT, ["batch", features])],
        [
            _value("label", TensorProto.INT64, ["batch"]),
            _value("probabilities", TensorProto.FLOAT, ["batch", classes]),
        ],
        weights,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pilothouse-demo",
    )
    helper.set_model_props(model, dict(classifier.metadata))
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _dense_layers(classifier: Classifier) -> tuple[list[Any], list[Any]]:
    nodes = [helper.make_node("Div", [classifier.input_name, "scale"], ["scaled"])]
    weights = [_constant("scale", np.float64(classifier.scale))]
    below = "scaled"
    for number, (matrix, bias) in enumerate(classifier.layers):
        last = number == len(classifier.layers) - 1
        out = "scores" if last else f"hidden{number}"
        nodes.append(helper.make_node("Gemm", [below, f"w{number}", f"b{number}"], [out]))
        weights += [_constant(f"w{number}", matrix), _constant(f"b{number}", bias)]
        if not last:
            below = f"active{number}"
            nodes.append(helper.make_node("Relu", [out], [below]))
    return nodes, weights


def _constant(name: str, values: Floats | np.float64) -> Any:
    return numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)


def _value(name: str, dtype: int, shape: list[int | str]) -> Any:
    return helper.make_tensor_value_info(name, dtype, shape)
