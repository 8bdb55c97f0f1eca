"""Trains the shipped models and writes them with their manifest.

Run from a checkout; scikit-learn brings the data with it:

    uv run --with scikit-learn --with onnx python -m backends.demo.make [FOLDER]

Every split and every training is seeded: with the same package versions the files come out the
same, byte for byte. What is hand-written beside them (entry scripts, configs) is left alone.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from backends.demo.graphs import Classifier, save

SEED = 7
HELD_OUT = 0.25
ONNX_OF_OPSET = "1.8"
"""The ONNX release that brought the opset which graphs.py writes (13)."""

Row = dict[str, Any]


def main(folder: Path) -> None:
    """Write all models and the manifest below `folder`."""
    rows = [*digits(folder), diabetes(folder), wine(folder)]
    _write_json(folder / "manifest.json", rows, indent=2)


def digits(folder: Path) -> list[Row]:
    """Two versions of a classifier of 8x8 handwritten digits: linear, then one hidden layer."""
    pixels, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = _split(pixels, labels, stratify=labels)
    linear = LogisticRegression(C=0.1, max_iter=1000).fit(train_x / 16, train_y)
    deep = MLPClassifier((64,), alpha=1e-3, max_iter=400, random_state=SEED)
    deep.fit(train_x / 16, train_y)
    versions = (
        ("1", "linear", [(linear.coef_.T, linear.intercept_)], linear),
        ("2", "mlp", list(zip(deep.coefs_, deep.intercepts_, strict=True)), deep),
    )
    _write_json(folder / "digits/sample.json", {"pixels": [test_x[0].astype(int).tolist()]})
    rows = []
    for version, kind, layers, fitted in versions:
        accuracy = accuracy_score(test_y, fitted.predict(test_x / 16))
        home = f"digits/{version}"
        save(
            Classifier(
                name="digits",
                input_name="pixels",
                layers=layers,
                scale=16.0,
                metadata=(("architecture", kind), ("held_out_accuracy", f"{accuracy:.4f}")),
            ),
            folder / home / "model.onnx",
        )
        _write_json(folder / home / "answer.json", {"label": [int(test_y[0])]})
        rows.append(
            _row(
                name="digits",
                path=f"{home}/model.onnx",
                framework="Onnx",
                version=ONNX_OF_OPSET,
                tags={"area": "digits", "kind": kind},
                description="Reads a handwritten digit from 8x8 grey pixels (64 numbers, 0 to 16). "
                f"{_share(accuracy, len(test_y))} held-out images right.",
                folder="digits",
                sample="digits/sample.json",
                answer=f"{home}/answer.json",
            )
        )
    return rows


def diabetes(folder: Path) -> Row:
    """A ridge regression of disease progression, served by an entry script with a conda file."""
    features, progression = load_diabetes(return_X_y=True, scaled=False)
    train_x, test_x, train_y, test_y = _split(features, progression)
    scaler = StandardScaler().fit(train_x)
    model = RidgeCV(np.logspace(-2, 3, 30)).fit(scaler.transform(train_x), train_y)
    guess = model.predict(scaler.transform(test_x))
    home = folder / "diabetes"
    home.mkdir(parents=True, exist_ok=True)
    np.savez(
        home / "diabetes.npz",
        mean=scaler.mean_,
        scale=scaler.scale_,
        weights=model.coef_,
        intercept=np.float64(model.intercept_),
    )
    _write_json(home / "sample.json", {"data": test_x[:2].tolist()})
    _write_json(home / "answer.json", [round(float(value), 1) for value in guess[:2]])
    return _row(
        name="diabetes",
        path="diabetes/diabetes.npz",
        framework="Custom",
        version="",
        tags={"area": "health", "kind": "ridge"},
        description="Predicts disease progression one year on (25 to 346) from ten measurements of "
        f"a patient. On {len(test_y)} held-out patients: mean absolute error "
        f"{mean_absolute_error(test_y, guess):.1f}, R2 {r2_score(test_y, guess):.2f}.",
        folder="diabetes",
        sample="diabetes/sample.json",
        answer="diabetes/answer.json",
        inference="diabetes/inferenceconfig.json",
    )


def wine(folder: Path) -> Row:
    """A classifier of wines as a folder: graph, scaler and labels, joined by its entry script."""
    data = load_wine()
    train_x, test_x, train_y, test_y = _split(data.data, data.target, stratify=data.target)
    scaler = StandardScaler().fit(train_x)
    model = LogisticRegression(C=0.5).fit(scaler.transform(train_x), train_y)
    accuracy = accuracy_score(test_y, model.predict(scaler.transform(test_x)))
    home = folder / "wine/models"
    layers = [(model.coef_.T, model.intercept_)]
    save(Classifier(name="wine", input_name="features", layers=layers), home / "model.onnx")
    _write_json(
        home / "scaler.json", {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}
    )
    _write_json(home / "labels.json", ["Barolo", "Grignolino", "Barbera"])
    sample = dict(zip(data.feature_names, test_x[0].tolist(), strict=True))
    _write_json(folder / "wine/sample.json", {"features": list(sample.values())})
    label = ["Barolo", "Grignolino", "Barbera"][int(test_y[0])]
    _write_json(folder / "wine/answer.json", {"label": label})
    return _row(
        name="wine",
        path="wine/models",
        framework="Custom",
        version="",
        tags={"area": "food", "kind": "linear"},
        description="Tells three Piedmont wines apart by thirteen measurements of a chemist. "
        f"{_share(accuracy, len(test_y))} held-out wines right.",
        folder="wine",
        sample="wine/sample.json",
        answer="wine/answer.json",
        inference="wine/inferenceconfig.json",
    )


def _split(features: Any, target: Any, *, stratify: Any = None) -> Any:
    return train_test_split(
        features, target, test_size=HELD_OUT, random_state=SEED, stratify=stratify
    )


def _share(accuracy: float, count: int) -> str:
    return f"{accuracy:.1%} of {count}"


def _row(
    *,
    name: str,
    path: str,
    framework: str,
    version: str,
    tags: Mapping[str, str],
    description: str,
    folder: str,
    sample: str,
    answer: str,
    inference: str | None = None,
) -> Row:
    return {
        "name": name,
        "path": path,
        "framework": framework,
        "frameworkVersion": version,
        "tags": tags,
        "description": description,
        "folder": folder,
        "sampleInput": sample,
        "sampleOutput": answer,
        "inferenceConfig": inference,
        "deploymentConfig": f"{folder}/deploymentconfig.json",
    }


def _write_json(path: Path, content: object, *, indent: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("models"))
