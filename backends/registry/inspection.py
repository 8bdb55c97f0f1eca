"""`python -m backends.registry.inspection FILE`: what is inside an ONNX model, as JSON.

Runs as a process of its own, with hard limits: a hostile model may crash the reader or eat its
memory, and must not do so in the console. Prints the fields of `ModelSchema`, or `problem`.
"""

import json
import re
import resource
import sys
from pathlib import Path
from typing import Any

from backends.registry.onnx_header import read_opset

MEMORY = 4 << 30
"""Bytes of address space before the model's own size counts."""
CPU_SECONDS = 120
MAX_OUTPUT = 1 << 20
"""Bytes of JSON."""
NUMPY_NAMES = {"float": "float32", "double": "float64", "string": "str"}
"""Element types of onnxruntime that numpy calls differently."""


def main(path: Path) -> None:
    """Print what is inside the file."""
    _limit(path.stat().st_size)
    try:
        found = _inspect(path)
    except Exception as error:
        found = {"problem": _sentence(error).replace(str(path), path.name)}
    text = json.dumps(found)
    if len(text) > MAX_OUTPUT:
        text = json.dumps({"problem": f"its description is longer than {MAX_OUTPUT:,} bytes"})
    sys.stdout.write(text)


def _limit(size: int) -> None:
    for what, amount in (
        (resource.RLIMIT_AS, MEMORY + 4 * size),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 2 * MAX_OUTPUT),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        ceiling = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(what, (ceiling, ceiling))


def _inspect(path: Path) -> dict[str, Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
    meta = session.get_modelmeta()
    with path.open("rb") as file:
        opset = read_opset(file)
    return {
        "inputs": [_tensor(one) for one in session.get_inputs()],
        "outputs": [_tensor(one) for one in session.get_outputs()],
        "opset": opset,
        "producer": meta.producer_name,
        "metadata": dict(meta.custom_metadata_map),
    }


def _tensor(found: Any) -> dict[str, Any]:
    shape = [_dimension(size) for size in found.shape or ()]
    return {"name": found.name, "dtype": numpy_name(found.type), "shape": shape}


def _dimension(size: object) -> int | str:
    return size if isinstance(size, int) else str(size or "?")


def numpy_name(kind: str) -> str:
    """Numpy's name of `tensor(…)`; a sequence or map keeps onnxruntime's words."""
    match = re.fullmatch(r"tensor\((\w+)\)", kind)
    return NUMPY_NAMES.get(match[1], match[1]) if match else kind


def _sentence(error: Exception) -> str:
    """The first line of an error, without onnxruntime's own numbering."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", lines[0])[:500]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
