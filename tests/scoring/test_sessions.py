"""Threads of onnxruntime follow the worker's share of the cores, unless the script decides."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from tests.support.scoring_server import Server

Serve = Callable[..., Server]
Told = Callable[..., list[object]]
CORES = len(os.sched_getaffinity(0))

TELLING = """
import os
{top}
def init():
    global session
    {inside}
    session = onnxruntime.InferenceSession({arguments})
def run(data):
    options = session.get_session_options()
    try:
        spinning = options.get_session_config_entry("session.intra_op.allow_spinning")
    except RuntimeError:
        spinning = None
    return [options.intra_op_num_threads, spinning]
"""
IMPORT = "import onnxruntime"
PATH = "os.environ['AZUREML_MODEL_DIR'] + '/same.onnx'"


def model() -> bytes:
    """The identity."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", [x], [y])
    opsets = [helper.make_opsetid("", 13)]
    found: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return found


@pytest.fixture
def told(serve: Serve, tmp_path: Path) -> Callable[..., list[object]]:
    """What a session made by such a script says of its options."""
    (tmp_path / "same.onnx").write_bytes(model())

    def ask(top: str, inside: str, arguments: str, **settings: object) -> list[object]:
        script = TELLING.format(top=top, inside=inside, arguments=arguments)
        found: list[object] = serve(script, model_dir=str(tmp_path), **settings).score(b"").json()
        return found

    return ask


@pytest.mark.parametrize(("top", "inside"), [(IMPORT, "pass"), ("", IMPORT)])
def test_sessions_get_the_workers_share(told: Told, top: str, inside: str) -> None:
    assert told(top, inside, PATH, workers=CORES) == [1, "0"]


def test_options_without_a_number_get_it_too(told: Told) -> None:
    arguments = f"{PATH}, sess_options=onnxruntime.SessionOptions()"
    assert told(IMPORT, "pass", arguments, workers=CORES) == [1, "0"]


def test_a_number_in_the_script_stays(told: Told) -> None:
    inside = "options = onnxruntime.SessionOptions(); options.intra_op_num_threads = 3"
    assert told(IMPORT, inside, f"{PATH}, options", workers=CORES) == [3, None]


def test_a_worker_with_the_machine_to_itself_is_left_alone(told: Told) -> None:
    variables = {"PILOTHOUSE_THREADS": str(os.cpu_count())}
    assert told(IMPORT, "pass", PATH, variables=variables) == [0, None]


def test_an_environment_without_onnxruntime_says_so(serve: Serve) -> None:
    hidden = "import sys; sys.modules['onnxruntime'] = None; " + IMPORT
    server = serve(f"{hidden}\ndef init(): pass\ndef run(data): pass\n", healthy=False)
    assert "onnxruntime" in server.wait("Failed")["reason"]
