"""What is inside an ONNX model."""

from collections.abc import Sequence

from backends.registry.blobs import Stage
from backends.registry.records import ModelFile, ModelSchema


def inspect_files(stage: Stage, files: Sequence[ModelFile]) -> tuple[ModelSchema | None, str]:
    """The schema of the ONNX model among staged files, or why it has none."""
    return None, ""
