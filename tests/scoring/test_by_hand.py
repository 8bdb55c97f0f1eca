"""Started by hand: azmlinfsrv's flags and variables, config.json, logging.json, exit codes."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from backends.scoring.supervisor.byhand import parse
from tests.support.byhand import ByHand, free_port
from tests.support.scoring_server import until

Start = Callable[..., ByHand]

SCRIPT = """
import os, json
def init(): print("init ran")
def run(data):
    return {name: os.environ.get(name) for name in json.loads(data)}
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server in the test's folder, which holds a script."""
    (tmp_path / "score.py").write_text(SCRIPT, encoding="utf-8")
    started: list[ByHand] = []

    def make(*flags: str, **options: Any) -> ByHand:
        server = ByHand(tmp_path, *flags, **options)
        started.append(server)
        return server

    yield make
    for server in started:
        server.close()


def launch(*flags: str, **variables: str) -> Any:
    return parse(flags, variables)[0]


def notes(*flags: str, **variables: str) -> str:
    return "\n".join(parse(flags, variables)[1])


def test_a_script_is_served_with_either_spelling_of_the_flags(start: Start, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    server = start("--entry_script", "score.py", "--model_dir", "models", "--worker_count=2")
    server.ready()
    assert server.score(["AZUREML_MODEL_DIR"]) == {"AZUREML_MODEL_DIR": "models"}
    until(lambda: server.output().count("init ran") == 2, "two workers' words")


def test_the_health_port_answers_health_alone(start: Start) -> None:
    health = free_port()
    server = start("--entry-script", "score.py", "--health-port", str(health)).ready()
    assert httpx.get(f"http://127.0.0.1:{health}/").text == "Healthy"
    assert httpx.get(f"http://127.0.0.1:{health}/readyz").status_code == 200
    assert httpx.get(f"http://127.0.0.1:{health}/score").status_code == 404
    assert httpx.get(f"{server.url}/score").status_code == 200


def test_origins_and_service_names_reach_the_front(start: Start) -> None:
    server = start(
        "--entry_script",
        "score.py",
        "--access_control_allow_origins",
        "http://a.example, http://b.example",
        SERVICE_NAME="net",
        SERVICE_VERSION="7",
        SERVICE_PATH_PREFIX="/api/v1/service/net",
    ).ready()
    answer = httpx.get(f"{server.url}/swagger.json", headers={"origin": "http://b.example"})
    assert answer.headers["access-control-allow-origin"] == "http://b.example"
    assert answer.json()["info"]["title"] == "net"
    assert answer.json()["info"]["version"] == "7"
    assert "/api/v1/service/net/score" in answer.json()["paths"]
    assert httpx.get(f"{server.url}/api/v1/service/net/").text == "Healthy"


def test_the_config_file_gives_what_neither_flag_nor_variable_does(
    start: Start, tmp_path: Path
) -> None:
    settings = {
        "AZUREML_ENTRY_SCRIPT": "score.py",
        "SERVICE_NAME": "from file",
        "SERVICE_VERSION": "2",
        "SCORING_TIMEOUT_MS": 1500,
        "AZUREML_MODEL_DIR": "models",
        "subscription_id": "of another kind of file",
        "HOSTNAME": None,
    }
    (tmp_path / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    server = start(SERVICE_VERSION="3").ready()
    assert server.score(["AZUREML_MODEL_DIR"]) == {"AZUREML_MODEL_DIR": "models"}
    info = httpx.get(f"{server.url}/swagger.json").json()["info"]
    assert (info["title"], info["version"]) == ("from file", "3")
    assert "keys that mean nothing here: subscription_id" in server.output()


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text('{"WORKER_COUNT": 2, "AZUREML_MODEL_DIR": "file"}', encoding="utf-8")
    file = ("--config_file", str(path))
    assert launch(*file).workers == 2
    assert launch(*file, WORKER_COUNT="3").workers == 3
    assert launch(*file, "--worker_count", "4", WORKER_COUNT="3").workers == 4
    assert launch(AZUREML_CONFIG_FILE=str(path)).model_dir == "file"
    assert launch(AZUREML_CONFIG_FILE=str(path), AZUREML_MODEL_DIR="env").model_dir == "env"
    assert launch(*file, "--model_dir", "flag").model_dir == "flag"


def test_flags_start_from_here_and_variables_from_the_app_root(
    start: Start, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "helper.py").write_text("WHO = 'lib'\n", encoding="utf-8")
    told = "import helper, os\ndef init(): pass\ndef run(data): return [helper.WHO, os.getcwd()]\n"
    (root / "own.py").write_text(told, encoding="utf-8")
    variables = {"AML_APP_ROOT": str(root), "AZUREML_SOURCE_DIRECTORY": "lib"}
    inside = start(AZUREML_ENTRY_SCRIPT="own.py", **variables).ready()
    assert inside.score() == ["lib", str(root)]
    (tmp_path / "models").mkdir()
    here = start("--entry-script", "score.py", "--model-dir", "models", **variables).ready()
    assert here.score(["AZUREML_MODEL_DIR"]) == {"AZUREML_MODEL_DIR": str(tmp_path / "models")}


def test_defaults_are_the_old_ones_but_for_the_address() -> None:
    found = launch()
    assert (found.port, found.workers, found.scoring_timeout_ms) == (5001, 1, 3_600_000)
    assert (found.service, found.host, found.health_port) == ("ML service", "127.0.0.1", None)
    assert launch(SEPERATE_HEALTH_ENDPOINT="true").health_port == 5000
    assert launch(SCORING_TIMEOUT_MS="0").scoring_timeout_ms > 10**9
    assert launch("--compatible").host == "0.0.0.0"
    assert launch(PILOTHOUSE_COMPATIBLE="true").compatible
    assert launch(SERVER_PORT="7000").port == 5001
    patient = launch(WORKER_TIMEOUT="30")
    assert (patient.init_seconds, patient.scoring_timeout_ms) == (30, 30_000)
    assert launch(AML_MODEL_DC_STORAGE_ENABLED="true", WORKSPACE_NAME="w").collect_data


@pytest.mark.parametrize(
    "flags",
    [
        ("--port", "0"),
        ("--port", "65536"),
        ("--port", "many"),
        ("--worker_count", "0"),
        ("--worker_count", "-1"),
        ("--no_such_flag",),
    ],
)
def test_wrong_flags_are_named_with_code_2(
    flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(flags, {})
    assert ended.value.code == 2
    assert flags[0].replace("_", "-") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "variables", "text"),
    [
        ("{", {}, "cannot be read"),
        ("[1]", {}, "is no JSON object"),
        ('{"SCORING_TIMEOUT_MS": "soon"}', {}, "SCORING_TIMEOUT_MS must be a whole number"),
        ('{"SERVICE_NAME": ["a"]}', {}, "SERVICE_NAME in"),
        ("{}", {"WORKER_COUNT": "two"}, "WORKER_COUNT must be a whole number, not 'two'"),
        ("{}", {"AZUREML_CONFIG_FILE": "none.json"}, "none.json does not exist"),
    ],
)
def test_settings_that_cannot_be_used_end_it_with_code_3(
    start: Start, tmp_path: Path, content: str, variables: dict[str, str], text: str
) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    server = start("--entry-script", "score.py", **variables)
    assert server.exit_code() == 3
    assert text in server.output()
    assert "Traceback" not in server.output()


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("def init(): raise ValueError('no model')\ndef run(d): pass", "ValueError: no model"),
        ("def init():\nreturn", "IndentationError"),
        ("def run(d): pass", "does not define init()"),
    ],
)
def test_a_script_that_cannot_start_ends_it_with_code_3(
    start: Start, tmp_path: Path, script: str, text: str
) -> None:
    (tmp_path / "bad.py").write_text(script, encoding="utf-8")
    (tmp_path / "models" / "net").mkdir(parents=True)
    (tmp_path / "models" / "net" / "model.pkl").touch()
    server = start("--entry_script", "bad.py", "--model_dir", "models")
    assert server.exit_code() == 3
    assert text in server.output()
    assert ("model.pkl" in server.output()) == ("ValueError" in text)


def test_without_a_script_main_is_looked_for_and_the_places_are_told(
    start: Start, tmp_path: Path
) -> None:
    server = start()
    assert server.exit_code() == 3
    assert "there is no main.py" in server.output()
    assert "score.py" in server.output()
    (tmp_path / "main.py").write_text(SCRIPT, encoding="utf-8")
    assert start().ready().score(["NONE"]) == {"NONE": None}


def test_a_port_that_is_taken_is_code_3(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        server = start("--entry-script", "score.py", port=port)
        assert server.exit_code() == 3
        health = start("--entry-script", "score.py", "--health-port", str(port))
        assert health.exit_code() == 3
    assert f"127.0.0.1:{port} cannot be used" in server.output()
    assert f"127.0.0.1:{port} cannot be used" in health.output()


def test_application_insights_is_taken_with_clear_words() -> None:
    key = "0a1b2c3d-0000-1111-2222-333344445555"
    asked = notes("--appinsights_instrumentation_key", key)
    assert "sends it nothing" in asked
    assert key not in asked
    assert "sends it nothing" in notes(AML_APP_INSIGHTS_ENABLED="true", AML_APP_INSIGHTS_KEY=key)
    assert notes(AML_APP_INSIGHTS_KEY=key) == ""
    assert "stays off" in notes("--appinsights_instrumentation_key", "no-key")
    assert "every worker loads the script" in notes(WORKER_PRELOAD="true")


def test_logging_json_shapes_what_the_script_logs(start: Start, tmp_path: Path) -> None:
    formatter = "azureml_inference_server_http.log_config.AMLLogFormatter"
    config = {
        "version": 1,
        "formatters": {"own": {"class": formatter, "format": "OWN %(levelname)s %(message)s"}},
        "handlers": {
            "own": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "own",
            }
        },
        "loggers": {"mine": {"handlers": ["own"], "level": "DEBUG", "propagate": False}},
    }
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "logging.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "deep" / "score.py").write_text(
        "import logging\n"
        "def init(): pass\n"
        "def run(data): logging.getLogger('mine').debug('scored')\n",
        encoding="utf-8",
    )
    server = start("--entry_script", "deep/score.py").ready()
    httpx.post(f"{server.url}/score", headers={"x-request-id": "r1"})
    until(lambda: "OWN DEBUG scored" in server.output(), "the line")
    (line,) = [one for one in server.output().splitlines() if "OWN DEBUG" in one]
    assert json.loads(line)["rid"] == "r1"
    (tmp_path / "logging.json").write_text("{", encoding="utf-8")
    broken = start("--entry_script", "deep/score.py")
    assert broken.exit_code() == 3
    assert "logging.json cannot be used" in broken.output()


def test_a_debugger_that_is_not_installed_is_named(start: Start) -> None:
    server = start("--entry-script", "score.py", AZUREML_DEBUG_PORT="5678")
    assert server.exit_code() == 3
    assert "Add debugpy" in server.output()


def test_the_version_header_is_on_unless_switched(start: Start) -> None:
    shown = start("--entry-script", "score.py").ready()
    assert httpx.get(shown.url).headers["x-ms-server-version"].startswith("pilothouse/")
    for value in ("false", "nonsense"):
        hidden = start(
            "--entry-script", "score.py", SERVER_VERSION_LOG_RESPONSE_ENABLED=value
        ).ready()
        assert "x-ms-server-version" not in httpx.get(hidden.url).headers
