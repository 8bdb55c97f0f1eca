"""What `run()` may return, and what the caller gets for it."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.scoring_server import Server

Serve = Callable[..., Server]
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."
SCRIPT = """
import json
from azureml.contrib.services.aml_response import AMLResponse
from azureml_inference_server_http.api.aml_response import AMLResponse as Same
class Odd(ValueError):
    def __str__(self): raise RuntimeError("no words")
def pieces():
    yield "a"
    yield b"b"
def run(data):
    return CASES[data]()
def fail(error): raise error
def init(): pass
CASES = {
    "tuple": lambda: ("a", 201, {"x": "y"}),
    "nan": lambda: float("nan"),
    "text": lambda: json.dumps({"a": 1}),
    "none": lambda: None,
    "umlaut": lambda: "\\u00e4\\ud83d\\ude00",
    "lone": lambda: "\\ud800",
    "bytes": lambda: b"x",
    "set": lambda: {1},
    "generator": pieces,
    "keys": lambda: {(1, 2): 3},
    "odd": lambda: fail(Odd()),
    "exit": lambda: fail(SystemExit(7)),
    "aml": lambda: AMLResponse({"a": 1}, 201, {"X-A": "1, 2"}, json_str=True),
    "same": lambda: Same("same", 200),
    "amltext": lambda: AMLResponse("hi \\u00e4", 200),
    "amlbytes": lambda: AMLResponse(b"\\xff\\x00", 200, {"Content-Type": "image/png"}),
    "amlnone": lambda: AMLResponse(None, 200),
    "amlpieces": lambda: AMLResponse(pieces(), 200),
    "amllist": lambda: AMLResponse(["a", "b"], 200),
    "aml500": lambda: AMLResponse("no", 500),
    "amlfailed": lambda: AMLResponse("no", 400, run_function_failed=True),
    "amlnojson": lambda: AMLResponse(object(), 200, json_str=True),
    "ids": lambda: AMLResponse("x", 200, {"x-ms-request-id": "mine", "TraceId": "mine"}),
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("responses"), SCRIPT).start()
    server.wait("Healthy")
    yield server
    server.close()


def call(server: Server, case: str) -> httpx.Response:
    return server.score(case.encode())


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("tuple", '["a", 201, {"x": "y"}]'),
        ("text", '"{\\"a\\": 1}"'),
        ("none", "{}"),
        ("umlaut", '"\\u00e4\\ud83d\\ude00"'),
        ("lone", '"\\ud800"'),
    ],
)
def test_values_are_written_as_json(server: Server, case: str, text: str) -> None:
    answer = call(server, case)
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-ms-run-function-failed"] == "False"
    assert float(answer.headers["x-ms-run-fn-exec-ms"]) >= 0


def test_what_json_has_no_word_for_but_python_has_is_written_so(server: Server) -> None:
    assert math.isnan(call(server, "nan").json())


@pytest.mark.parametrize("case", ["bytes", "set", "generator", "keys"])
def test_what_json_cannot_hold_is_an_internal_error(server: Server, case: str) -> None:
    answer = call(server, case)
    assert (answer.status_code, answer.json()) == (500, {"message": INTERNAL})
    assert server.logged("TypeError")


@pytest.mark.parametrize("case", ["odd", "exit", "amlnojson"])
def test_whatever_run_raises_is_its_failure(server: Server, case: str) -> None:
    answer = call(server, case)
    assert answer.status_code == 500
    assert answer.headers["x-ms-run-function-failed"] == "True"
    assert call(server, "none").status_code == 200


def test_an_aml_response_chooses_status_headers_and_type(server: Server) -> None:
    found = call(server, "aml")
    assert (found.status_code, found.json()) == (201, {"a": 1})
    assert found.headers.get_list("x-a") == ["1", "2"]
    assert found.headers["x-ms-run-function-failed"] == "False"
    text = call(server, "amltext")
    assert text.content == "hi ä".encode()
    assert text.headers["content-type"] == "text/html; charset=utf-8"
    image = call(server, "amlbytes")
    assert image.content == b"\xff\x00"
    assert image.headers.get_list("content-type") == ["image/png"]
    assert call(server, "amlnone").json() == {}
    assert call(server, "same").text == "same"
    assert call(server, "amllist").text == "ab"


def test_an_aml_response_may_be_streamed(server: Server) -> None:
    found = call(server, "amlpieces")
    assert found.text == "ab"
    assert found.headers["transfer-encoding"] == "chunked"


def test_a_failure_is_said_by_the_header(server: Server) -> None:
    assert call(server, "aml500").headers["x-ms-run-function-failed"] == "True"
    assert call(server, "amlfailed").headers["x-ms-run-function-failed"] == "True"


def test_a_script_cannot_set_the_requests_ids(server: Server) -> None:
    headers = {"x-request-id": "r", "TraceId": "t"}
    answer = server.score(b"ids", headers=headers)
    assert answer.headers.get_list("x-ms-request-id") == ["r"]
    assert answer.headers.get_list("traceid") == ["t"]


def test_methods_that_are_allowed_are_named(server: Server) -> None:
    wrong = httpx.put(f"{server.url}/score")
    assert wrong.headers["allow"] == "GET, POST, OPTIONS, HEAD"
    asked = httpx.options(f"{server.url}/")
    assert (asked.status_code, asked.headers["allow"]) == (200, "GET, HEAD, OPTIONS")


def test_a_front_module_keeps_its_own_init(serve: Serve, tmp_path: Path) -> None:
    root = tmp_path / "0/app"
    root.mkdir(parents=True)
    (root / "main.py").write_text(
        "import real as driver_module\n"
        "def init():\n"
        "    driver_module.state.append('front')\n"
        "    driver_module.init()\n"
        "def run(data): raise AssertionError('the front forwards wrongly')\n",
        encoding="utf-8",
    )
    (root / "real.py").write_text(
        "state = []\ndef init(): state.append('real')\ndef run(data): return state\n",
        encoding="utf-8",
    )
    assert serve(None).score({}).json() == ["front", "real"]


def test_a_front_that_names_no_module_is_the_script_itself(serve: Serve) -> None:
    server = serve(
        "class driver_module:\n"
        "    @staticmethod\n"
        "    def run(data): return 'the class'\n"
        "def init(): pass\n"
        "def run(data): return 'the script'\n"
    )
    assert server.score({}).json() == "the script"


SCHEMA = """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema('data', StandardPythonParameterType('x'))
def run(data): return data
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
def test_json_may_come_in_any_unicode_encoding(serve: Serve, encoding: str) -> None:
    body = '{"data": "ä"}'.encode(encoding)
    kinds = ("application/json", "application/ld+json; charset=x")
    server = serve(SCHEMA)
    for kind in kinds:
        assert server.score(body, headers={"content-type": kind}).json() == "ä"


@pytest.mark.parametrize(
    ("models", "model_dir"),
    [
        (("net/3/m",), "azureml-models/net/3"),
        (("net/3/m", "tree/1/t"), "azureml-models"),
        ((), "azureml-models"),
    ],
)
def test_the_model_dir_names_one_model_the_root_of_several_or_of_none(
    serve: Serve, tmp_path: Path, models: tuple[str, ...], model_dir: str
) -> None:
    for name in models:
        path = tmp_path / "0/app/azureml-models" / name
        path.parent.mkdir(parents=True)
        path.touch()
    script = (
        "import os\ndef init(): pass\n"
        "def run(data):\n"
        "    root = os.environ['AZUREML_MODEL_DIR']\n"
        "    return [root, sorted(name for _, _, names in os.walk(root) for name in names)]\n"
    )
    found: Any = serve(script, model_dir=model_dir).score({}).json()
    assert found == [model_dir, sorted(name[-1] for name in models)]
