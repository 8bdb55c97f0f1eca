import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest

from backends.database import Database
from backends.demo import DemoModel, demo_models, register_demo
from backends.demo.manifest import FOLDER
from backends.registry.records import Framework
from backends.registry.registry import Registry


def shipped(name: str) -> DemoModel:
    return [model for model in demo_models() if model.name == name][-1]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def entry_script(model: DemoModel) -> ModuleType:
    assert model.inference_config is not None
    config = read(model.inference_config)
    path = model.folder / config.get("sourceDirectory", ".") / config["entryScript"]
    spec = importlib.util.spec_from_file_location(f"{model.name}_score", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_path_of_the_manifest_is_there_and_nothing_else_ships() -> None:
    named: set[Path] = {FOLDER / "manifest.json"}
    for model in demo_models():
        assert model.path.exists()
        named |= {model.sample_input, model.sample_output, model.deployment_config}
        named |= {model.path} if model.path.is_file() else set(model.path.iterdir())
        if model.inference_config is not None:
            config = read(model.inference_config)
            source = model.folder / config.get("sourceDirectory", ".")
            named |= {model.inference_config, source / config["entryScript"]}
            named |= {source / config["condaFile"]} if "condaFile" in config else set()
    files = {path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert files == named


def test_every_model_says_its_area_and_how_well_it_does_on_unseen_data() -> None:
    for model in demo_models():
        assert model.tags["area"]
        assert re.search(r"\d+ held-out", model.description)


def test_the_models_are_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 200_000


def test_the_registration_carries_the_sample_and_its_answer() -> None:
    model = shipped("digits")
    request = model.registration
    assert (request.name, request.framework) == ("digits", Framework.ONNX)
    assert json.loads(request.sample_input) == read(model.sample_input)
    assert json.loads(request.sample_output) == read(model.sample_output)


@pytest.mark.parametrize(
    "model", [pytest.param(m, id=m.tags["kind"]) for m in demo_models() if m.name == "digits"]
)
def test_digits_answers_its_sample_and_takes_any_batch(model: DemoModel) -> None:
    session = onnxruntime.InferenceSession(model.path)
    pixels = np.array(read(model.sample_input)["pixels"], dtype=np.float32)
    label, probabilities = session.run(None, {"pixels": np.repeat(pixels, 3, axis=0)})
    assert label.tolist() == read(model.sample_output)["label"] * 3
    assert probabilities.shape == (3, 10)
    assert probabilities.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)


def test_digits_has_two_versions_that_differ() -> None:
    older, newer = (model for model in demo_models() if model.name == "digits")
    assert older.path.read_bytes() != newer.path.read_bytes()
    assert older.tags["kind"] != newer.tags["kind"]


def test_diabetes_answers_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    model = shipped("diabetes")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(model.path.parent))
    script = entry_script(model)
    script.init()
    assert script.run(**read(model.sample_input)) == read(model.sample_output)


def test_wine_answers_its_sample_from_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    model = shipped("wine")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(model.path.parent))
    script = entry_script(model)
    script.init()
    answer = script.run(model.sample_input.read_text(encoding="utf-8"))
    assert answer["label"] == read(model.sample_output)["label"]
    assert 0.5 < answer["score"] <= 1
    assert answer["elapsed_time"] >= 0


def test_registering_them_twice_keeps_one_version_of_each(tmp_path: Path) -> None:
    registry = Registry(tmp_path, Database(tmp_path / "workspace.db"))
    first = register_demo(registry)
    assert [version.id for version in first] == ["digits:1", "digits:2", "diabetes:1", "wine:1"]
    assert register_demo(registry) == first
    assert first[0].schema is not None
    assert [tensor.shape for tensor in first[0].schema.inputs] == [("batch", 64)]
    assert [file.path for file in first[3].files] == [
        "models/labels.json",
        "models/model.onnx",
        "models/scaler.json",
    ]
