"""From starting the supervisor to Healthy, with no environment to build."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure, compare, python

from . import ours, script

BARE = "import onnxruntime, sys; onnxruntime.InferenceSession(sys.argv[1])"


def measure() -> Iterator[Figure]:
    """Beside what no server could leave out: Python, onnxruntime, a session."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, model = script.lay_out(folder)
        bare = python(BARE, str(model / "model.onnx"))
        for what, text, builtin in (
            ("server: no-code ONNX, start to Healthy", None, "onnx"),
            ("server: score.py with ONNX, start to Healthy", script.SCRIPT, None),
        ):

            def healthy(text: str | None = text, builtin: str | None = builtin) -> float:
                began = time.perf_counter()
                with ours.running(folder, text, builtin=builtin):
                    return time.perf_counter() - began

            yield compare(what, healthy, "python, onnxruntime, session", bare, allowed=2.5)
