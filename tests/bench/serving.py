"""The scoring server: start to Healthy beside its bare parts, and requests per second under wrk.

`python -m tests.bench serving` gives the first; `python -m tests.bench.serving` both.
"""

import contextlib
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from tests.bench.figures import Figure, compare, python, show
from tests.support.scoring_server import Server

SCRIPT = """
import json, os
import numpy as np
import onnxruntime
def init():
    global session
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "net.onnx")
    session = onnxruntime.InferenceSession(path, options)
def run(data):
    x = np.array(json.loads(data)["data"], dtype=np.float32)
    return session.run(None, {"x": x})[0].tolist()
"""
BARE = "import onnxruntime, sys; onnxruntime.InferenceSession(sys.argv[1])"
BODY = json.dumps({"data": [[round(i / 64, 3) for i in range(64)]]})
SECONDS = 5


def measure() -> Iterator[Figure]:
    """From starting the supervisor to Healthy, with no environment to build."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = save_model(folder / "app")
        bare = python(BARE, str(model))
        for what, script, builtin in (
            ("server: no-code ONNX, start to Healthy", None, "onnx"),
            ("server: score.py with ONNX, start to Healthy", SCRIPT, None),
        ):

            def healthy(script: str | None = script, builtin: str | None = builtin) -> float:
                began = time.perf_counter()
                with running(folder, script, builtin=builtin):
                    return time.perf_counter() - began

            yield compare(what, healthy, "python, onnxruntime, session", bare, allowed=2.5)


def save_model(root: Path) -> Path:
    """A 64-32-10 perceptron, as large as a digits classifier."""
    shapes = {"w1": (64, 32), "b1": (32,), "w2": (32, 10), "b2": (10,)}
    weights = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, [0.01] * _count(shape))
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2", "b2"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 64])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])
    graph = helper.make_graph(nodes, "digits", [x], [y], weights)
    opsets = [helper.make_opsetid("", 13)]
    path = root / "azureml-models/digits/1/net.onnx"
    path.parent.mkdir(parents=True)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


@contextlib.contextmanager
def running(folder: Path, script: str | None, **settings: object) -> Iterator[Server]:
    """A Healthy server with keys, logs and metrics on, as it ships."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"primary": "one", "secondary": "two"}), encoding="utf-8")
    settings = {"model_dir": "azureml-models/digits/1", "auth": True, **settings}
    server = Server(folder, script, keys_file=str(keys), queue_wait_ms=20_000, **settings)
    try:
        server.start().wait("Healthy")
        yield server
    finally:
        server.stop()
        server.close()


def throughput(server: Server, connections: int) -> str:
    """One line of wrk's figures."""
    lua = server.folder / "post.lua"
    lua.write_text(
        'wrk.method="POST"\nwrk.headers["Content-Type"]="application/json"\n'
        f'wrk.headers["Authorization"]="Bearer one"\nwrk.body=[==[{BODY}]==]\n',
        encoding="utf-8",
    )
    words = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", str(lua)]
    before = [sum(process.cpu_times()[:2]) for process in server.family()]
    done = subprocess.run(
        [*words, f"{server.url}/score"], capture_output=True, text=True, check=True
    )
    after = [sum(process.cpu_times()[:2]) for process in server.family()]
    rate = float(_found(r"Requests/sec:\s+([\d.]+)", done.stdout))
    total = float(_found(r"(\d+) requests in", done.stdout))
    cpu = [(b - a) / total * 1e6 for a, b in zip(before, after, strict=True)]
    half, late = (_found(rf"{part}%\s+(\S+)", done.stdout) for part in (50, 99))
    return (
        f"{connections:3} connections: {rate:8.0f} requests/s, p50 {half}, p99 {late}, "
        f"processor: supervisor {cpu[0]:.0f} us, workers {sum(cpu[1:]):.0f} us a request, "
        f"supervisor {server.family()[0].memory_info().rss / 1e6:.0f} MB"
        + ("" if "Non-2xx" not in done.stdout else f"  {_found('(Non-2xx.*)', done.stdout)}")
    )


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else "?"


def main() -> None:
    """Print every figure."""
    for figure in measure():
        print(show(figure), flush=True)
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as name:
            save_model(Path(name) / "app")
            with running(Path(name), SCRIPT, workers=workers, concurrency=workers) as server:
                print(
                    f"score.py, {workers} worker{'s' if workers > 1 else ''}, keys, logs, metrics:"
                )
                for connections in (1, 8, 64):
                    print(throughput(server, connections), flush=True)


if __name__ == "__main__":
    main()
