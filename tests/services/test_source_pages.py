"""Azure ML v1's documented projects run as they are."""

import json
import pickle
from pathlib import Path

from backends.registry.records import Registration
from backends.requests.call import fetch_swagger
from backends.workspace import Workspace
from tests.support.deploying import (
    READS_MODEL_DIR,
    answer,
    deploy,
    events,
    healthy,
    register_text,
    request,
    write_project,
)

LOCAL = {"computeType": "process"}

SENTIMENT = """\
import json
import os
import time


def init():
    global labels, weights
    model_path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "./models")
    with open(os.path.join(model_path, "labels.json")) as file:
        labels = json.load(file)
    with open(os.path.join(model_path, "weights.json")) as file:
        weights = json.load(file)


def run(data):
    try:
        started = time.time()
        text = json.loads(data)["text"]
        score = sum(weights.get(word, 0) for word in text.lower().split())
        return {"label": labels[score > 0], "score": score, "elapsed_time": time.time() - started}
    except Exception as e:
        return str(e)
"""

REGRESSION = """\
import numpy as np
from azureml.core.model import Model
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
import pickle


def init():
    global model
    model_path = Model.get_model_path('sklearn_regression_model.pkl')
    with open(model_path, 'rb') as file:
        model = pickle.load(file)


input_sample = np.array([[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]])
output_sample = np.array([3726.995])


@input_schema('data', NumpyParameterType(input_sample))
@output_schema(NumpyParameterType(output_sample))
def run(data):
    try:
        return (data @ np.array(model)).tolist()
    except Exception as e:
        return str(e)
"""


async def test_a_folder_model_keeps_its_folder(workspace: Workspace, tmp_path: Path) -> None:
    """ "Deploy an existing model": `./models` is joined to AZUREML_MODEL_DIR."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "labels.json").write_text('["NEGATIVE", "POSITIVE"]')
    (models / "weights.json").write_text('{"great": 1, "bad": -1}')
    workspace.registry.register(Registration(name="sentiment", path="./models"))
    write_project(tmp_path, SENTIMENT)
    wish = request(
        "myservice",
        "sentiment:1",
        inference={"entryScript": "score.py", "sourceDirectory": "./project"},
        deployment=LOCAL,
    )
    await deploy(workspace, wish)
    got = await answer(workspace, "myservice", '{"text": "Today is a great day!"}')
    assert got["label"] == "POSITIVE"
    assert set(got) == {"label", "score", "elapsed_time"}


async def test_get_model_path_and_schema_decorators(workspace: Workspace, tmp_path: Path) -> None:
    """The 2019 page: a model named like a file, decorators, and their Swagger."""
    path = tmp_path / "sklearn_regression_model.pkl"
    path.write_bytes(pickle.dumps([1.0] * 10))
    name = "sklearn_regression_model.pkl"
    workspace.registry.register(Registration(name=name, path=str(path)))
    write_project(tmp_path, REGRESSION)
    wish = request(
        "regression",
        f"{name}:1",
        inference={"entryScript": "score.py", "sourceDirectory": "./project"},
        deployment=LOCAL,
    )
    await deploy(workspace, wish)
    assert await answer(workspace, "regression", '{"data": [[1,2,3,4,5,6,7,8,9,10]]}') == [55.0]
    async with workspace.services.endpoint("regression") as endpoint:
        swagger = await fetch_swagger(endpoint)
    assert swagger is not None
    schema = swagger["definitions"]["ServiceInput"]["properties"]["data"]
    assert schema["items"]["items"] == {"type": "integer", "format": "int64"}
    assert swagger["definitions"]["ServiceOutput"]["items"]["format"] == "double"


async def test_a_deployment_without_a_model(workspace: Workspace, tmp_path: Path) -> None:
    """The 2021 page: the script opens its file relative to the folder above its source."""
    script = "def init():\n    global t\n    t = open('./project/model.bin').read()\n\n\n"
    write_project(tmp_path, script + "def run(data):\n    return t\n", **{"model.bin": "inside"})
    wish = request(
        "",
        inference={"entryScript": "score.py", "sourceDirectory": "./project"},
        deployment={"computeType": "process", "port": None},
    )
    service = await deploy(workspace, wish)
    assert service.name == "project"
    assert await answer(workspace, "project") == "inside"


async def test_the_flat_form_of_2019_installs_its_conda_file(
    workspace: Workspace, tmp_path: Path
) -> None:
    """`runtime`, `condaFile`, and a conda file that still asks for the old server."""
    (tmp_path / "score.py").write_text(
        "import six\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return six.__version__\n"
    )
    (tmp_path / "myenv.yml").write_text(
        "name: project_environment\ndependencies:\n  - python=3.11\n"
        "  - pip:\n    - azureml-defaults>=1.0.45\n    - six==1.16.0\n"
    )
    wish = request(
        "flat",
        inference={"entryScript": "score.py", "runtime": "python", "condaFile": "myenv.yml"},
        deployment=LOCAL,
    )
    await deploy(workspace, wish)
    assert await answer(workspace, "flat") == "1.16.0"


async def test_an_update_that_names_only_a_model(workspace: Workspace, tmp_path: Path) -> None:
    """`service.update(models=[new_model])`: script and environment stay as they were deployed."""
    register_text(workspace, "words", "one", tmp_path)
    project = write_project(tmp_path, READS_MODEL_DIR.format(path="model.txt"))
    wish = request(
        "words",
        "words:1",
        inference={"entryScript": "score.py", "sourceDirectory": "./project"},
        deployment=LOCAL,
    )
    await deploy(workspace, wish)
    register_text(workspace, "words", "two", tmp_path)
    (project / "score.py").write_text("raise SystemExit('the user went on working')")
    plan = await workspace.services.plan_update("words", request("", "words:2"))
    assert [(c.before, c.after) for c in plan.changes if c.field == "models"] == [
        ("words:1", "words:2")
    ]
    service = healthy(await events(workspace, plan))
    assert service.serving == 2
    assert json.dumps(await answer(workspace, "words", "[1]")) == '{"model": "two", "got": [1]}'
