"""Which of three wines it is; the graph, its scaler and its labels lie in a folder model."""

import json
import os
import time

import numpy as np
import onnxruntime

session = None
scaler = {}
labels = []


def init():
    """Load the three files of the folder `models`."""
    global session, scaler, labels
    folder = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "./models")
    session = onnxruntime.InferenceSession(os.path.join(folder, "model.onnx"))
    with open(os.path.join(folder, "scaler.json")) as file:
        scaler = {key: np.array(values) for key, values in json.load(file).items()}
    with open(os.path.join(folder, "labels.json")) as file:
        labels = json.load(file)
    print(f"ready to tell {', '.join(labels)} apart")


def run(data):
    """Score `{"features": [13 numbers]}`."""
    started = time.time()
    features = np.array([json.loads(data)["features"]])
    scaled = (features - scaler["mean"]) / scaler["scale"]
    feed = {"features": scaled.astype(np.float32)}
    label, probabilities = session.run(["label", "probabilities"], feed)
    return {
        "label": labels[label[0]],
        "score": round(float(probabilities[0].max()), 4),
        "elapsed_time": round(time.time() - started, 6),
    }
