"""Where models are, and the other names of Azure ML that scripts import."""

from collections.abc import Callable
from pathlib import Path

from tests.support.scoring_server import Server

Serve = Callable[..., Server]


def place(root: Path, *files: str) -> None:
    for name in files:
        path = root / "azureml-models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def test_the_model_dir_is_relative_text_below_the_working_directory(
    serve: Serve, tmp_path: Path
) -> None:
    place(tmp_path / "0" / "app", "net/3/models/net.h5")
    server = serve(
        "import os\n"
        "def init():\n"
        "    global text\n"
        "    folder = os.environ['AZUREML_MODEL_DIR']\n"
        "    text = [folder, open(os.path.join(folder, './models', 'net.h5')).read()]\n"
        "def run(data): return text\n",
        model_dir="azureml-models/net/3",
    )
    assert server.score({}).json() == ["azureml-models/net/3", "net/3/models/net.h5"]


def test_get_model_path_follows_the_rules(serve: Serve, tmp_path: Path) -> None:
    root = tmp_path / "0" / "app"
    place(root, "reg.pkl/2/reg.pkl", "reg.pkl/10/reg.pkl", "two/1/a", "two/1/b", "dir/1/inner/f")
    (root / "beside").write_text("", encoding="utf-8")
    server = serve(
        "import json, os\n"
        "from azureml.core.model import Model\n"
        "import azureml.core\n"
        "assert azureml.core.Model is Model\n"
        "def init(): pass\n"
        "def run(data):\n"
        "    try:\n"
        "        return os.path.relpath(Model.get_model_path(*json.loads(data)))\n"
        "    except Exception as error:\n"
        "        return type(error).__name__ + ': ' + str(error)\n"
    )

    def path(*arguments: object) -> str:
        return str(server.score(list(arguments)).json())

    assert path("reg.pkl") == "azureml-models/reg.pkl/10/reg.pkl"
    assert path("reg.pkl", 2) == "azureml-models/reg.pkl/2/reg.pkl"
    assert path("dir") == "azureml-models/dir/1/inner"
    assert path("beside") == "beside"
    assert path("reg.pkl", "2").startswith("ValueError")
    assert "['a', 'b']" in path("two")
    assert path("none").startswith("ModelNotFoundException")


def test_names_of_old_scripts_can_be_imported_and_real_packages_win(
    serve: Serve, tmp_path: Path
) -> None:
    root = tmp_path / "0" / "app"
    (root / "azureml" / "monitoring").mkdir(parents=True)
    (root / "azureml" / "__init__.py").write_text("", encoding="utf-8")
    (root / "azureml" / "monitoring" / "__init__.py").write_text(
        "class ModelDataCollector:\n    real = True\n", encoding="utf-8"
    )
    (root / "sklearn" / "externals").mkdir(parents=True)
    for name in ("sklearn", "sklearn/externals"):
        (root / name / "__init__.py").write_text("", encoding="utf-8")
    (root / "joblib.py").write_text("def load(path): return 'loaded'\n", encoding="utf-8")
    server = serve(
        "from azureml.monitoring import ModelDataCollector\n"
        "from azureml.automl.core.shared import log_server, logging_utilities\n"
        "from azureml.telemetry import INSTRUMENTATION_KEY\n"
        "from azureml_inference_server_http.api.aml_response import AMLResponse\n"
        "from sklearn.externals import joblib\n"
        "def init():\n"
        "    log_server.enable_telemetry(INSTRUMENTATION_KEY)\n"
        "    log_server.update_custom_dimensions({'a': 'b'})\n"
        "def run(data): return [ModelDataCollector.real, joblib.load('x')]\n"
    )
    assert server.score({}).json() == [True, "loaded"]
