"""What both serve: the demo's digits model, a script, a body of 64 numbers; and run() alone."""

import json
import shutil
import subprocess
from pathlib import Path

from backends.demo.manifest import FOLDER

SCRIPT = """
import json, os
import numpy
import onnxruntime

def init():
    global session, name
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.onnx")
    session = onnxruntime.InferenceSession(path, options)
    name = session.get_inputs()[0].name

def run(data):
    rows = numpy.array(json.loads(data)["data"], dtype=numpy.float32)
    return session.run(None, {name: rows})[0].tolist()
"""
BODY = json.dumps({"data": [[float(i * 7 % 17) for i in range(64)]]})
ALONE = """
import json, score, sys, time
score.init()
body = sys.stdin.read()
def one():
    began = time.perf_counter()
    json.dumps(score.run(body))
    return time.perf_counter() - began
for _ in range(500):
    one()
times = sorted(one() for _ in range(5000))
print(times[len(times) // 2] * 1e6)
"""


def lay_out(folder: Path) -> tuple[Path, Path]:
    """Write the app and its model; returns both folders."""
    app = folder / "app"
    model = app / "azureml-models/digits/1"
    model.mkdir(parents=True)
    shutil.copy(FOLDER / "digits/2/model.onnx", model / "model.onnx")
    (app / "score.py").write_text(SCRIPT, encoding="utf-8")
    return app, model


def alone(python: Path, app: Path, model: Path) -> float:
    """Median microseconds of `run()` and its answer's JSON in a process of their own."""
    done = subprocess.run(
        [str(python), "-c", ALONE],
        input=BODY,
        capture_output=True,
        text=True,
        check=True,
        cwd=app,
        env={"AZUREML_MODEL_DIR": str(model), "PYTHONPATH": str(app), "OMP_NUM_THREADS": "1"},
    )
    return float(done.stdout)
