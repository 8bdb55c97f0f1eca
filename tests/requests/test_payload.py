"""Bodies to start from."""

import json

from backends.registry.records import Framework, ModelSchema, ModelVersion, Tensor
from backends.requests.payload import sample_body


def _model(*inputs: Tensor, sample: str = "") -> ModelVersion:
    return ModelVersion(
        name="m",
        version=1,
        created=0,
        created_by="",
        files=(),
        digest="",
        framework=Framework.ONNX,
        schema=ModelSchema(inputs=inputs, outputs=()),
        sample_input=sample,
    )


def test_the_stored_sample_wins() -> None:
    """What the person registered is what they want to send."""
    swagger = {"definitions": {"ServiceInput": {"example": {"data": [1]}}}}
    assert json.loads(sample_body(swagger, _model(sample='{"x":[5]}'))) == {"x": [5]}


def test_the_example_of_either_schema_version_is_used() -> None:
    """Swagger 2 keeps it in definitions, OpenAPI 3 in components."""
    two = {"definitions": {"ServiceInput": {"example": {"data": [1]}}}}
    three = {"components": {"schemas": {"ServiceInput": {"example": {"data": [2]}}}}}
    assert json.loads(sample_body(two, None)) == {"data": [1]}
    assert json.loads(sample_body(three, None)) == {"data": [2]}


def test_zeros_in_the_shape_of_the_inputs() -> None:
    """A free dimension is one; each dtype has its own zero."""
    model = _model(
        Tensor(name="x", dtype="float32", shape=("batch", 2, 3)),
        Tensor(name="names", dtype="str", shape=("?",)),
    )
    assert json.loads(sample_body(None, model)) == {"x": [[[0.0] * 3] * 2], "names": [""]}


def test_a_huge_input_is_cut() -> None:
    """An image batch of millions of numbers would be no use in an editor."""
    model = _model(Tensor(name="x", dtype="float32", shape=(64, 1024, 1024)))
    assert len(sample_body(None, model)) < 100_000


def test_nothing_known_is_an_empty_object() -> None:
    """An undecorated script's schema says nothing."""
    empty: dict[str, object] = {"definitions": {"ServiceInput": {"example": {}}}}
    assert sample_body(empty, None) == "{}"
