"""The three calling modes, their refusals, and the contract's texts, codes and headers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.scoring_server import Server

Serve = Callable[..., Server]

SCHEMA = """
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init():
    pass
@input_schema('factor', StandardPythonParameterType(2))
@input_schema('data', NumpyParameterType(np.array([[10, 9, 8]])))
@output_schema(NumpyParameterType(np.array([3726.995])))
def run(data, factor=1):
    return (data.sum(axis=1) * factor).tolist()
"""

RAW = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init():
    pass
@rawhttp
def run(request):
    if request.method == "GET":
        return AMLResponse(request.full_path, 200)
    if request.method == "OPTIONS":
        return AMLResponse("", 200, {"Access-Control-Allow-Methods": "GET,POST"})
    if request.files:
        return {name: [f.filename, len(f.read())] for name, f in request.files.items()}
    body = request.get_data(False)
    if body == b"bad":
        return AMLResponse("bad request", 500)
    return AMLResponse({"size": len(body), "kind": request.headers["content-type"]}, 201,
                       {"X-Own": "yes", "x-request-id": "mine"}, json_str=True)
"""


def message(response: Any) -> str:
    return str(response.json()["message"])


def test_undecorated_run_gets_the_bodys_text_whatever_its_type(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return [type(data).__name__, data]\n")
    answer = server.score('{"a": "ä"}'.encode(), headers={"content-type": "application/x-own"})
    assert answer.json() == ["str", '{"a": "ä"}']
    assert answer.headers["content-type"] == "application/json"
    empty = server.score(b"")
    assert empty.json() == ["str", ""]
    undecodable = server.score(b"\xff\xfe")
    assert undecodable.status_code == 400
    assert message(undecodable).startswith("Input cannot be decoded as UTF-8: ")


def test_a_str_result_is_encoded_again_and_get_becomes_a_json_object(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return data\n")
    assert json.loads(server.score({"a": 1}).json()) == {"a": 1}
    values = json.loads(server.get("/score?a=1&a=x&b=[2]").json())
    assert values == {"a": [1, "x"], "b": [2]}


def test_a_schema_decorated_run_gets_converted_keywords(serve: Serve) -> None:
    server = serve(SCHEMA)
    assert server.score({"data": [[1, 2, 3], [4, 5, 6]]}).json() == [6.0, 15.0]
    assert server.score({"data": [[1, 2, 3]], "factor": 3, "more": 0}).json() == [18.0]
    assert server.get("/score?data=[[1,2,3]]").json() == [6.0]
    swagger = server.get("/swagger.json").json()
    assert swagger["definitions"]["ServiceInput"]["properties"]["data"]["format"] == "numpy.ndarray"
    assert swagger["definitions"]["ServiceInput"]["example"]["data"] == [[10, 9, 8]]
    assert swagger["definitions"]["ServiceOutput"]["items"] == {
        "type": "number",
        "format": "double",
    }


@pytest.mark.parametrize(
    ("body", "kind", "status", "text"),
    [
        (b"{}", "text/plain", 415, "Expects Content-Type to be application/json"),
        (b"", "application/json", 400, "POST body is empty. Expecting a JSON dictionary."),
        (b"{", "application/json", 400, "POST body could not be decoded as JSON: "),
        (b"[1]", "application/json", 400, "POST body should be a JSON dictionary."),
        (b"{}", "application/json", 400, "A value is not provided for the 'data' parameter."),
    ],
)
def test_schema_mode_refuses_what_it_cannot_read(
    server_with_schema: Server, body: bytes, kind: str, status: int, text: str
) -> None:
    answer = server_with_schema.score(body, headers={"content-type": kind})
    assert answer.status_code == status
    assert message(answer).startswith(text)


@pytest.fixture(scope="module")
def server_with_schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = Server(tmp_path_factory.mktemp("schema"), SCHEMA).start()
    server.wait("Healthy")
    yield server
    server.close()


def test_a_conversion_that_fails_is_an_error_of_the_script(server_with_schema: Server) -> None:
    answer = server_with_schema.score({"data": "no numbers"})
    assert answer.status_code == 500
    assert message(answer) == (
        "An unexpected error occurred in scoring script. Check the logs for more info."
    )
    assert answer.headers["x-ms-run-function-failed"] == "True"
    line = server_with_schema.logged("Traceback")
    assert line["rid"] == answer.headers["x-request-id"]
    assert line["level"] == "ERROR"


def test_raw_mode_hands_over_the_request_and_takes_the_response(serve: Serve) -> None:
    server = serve(RAW)
    posted = server.score(b"12345", headers={"content-type": "image/png", "x-request-id": "abc"})
    assert (posted.status_code, posted.json()) == (201, {"size": 5, "kind": "image/png"})
    assert posted.headers["x-own"] == "yes"
    assert posted.headers["x-request-id"] == "abc"
    assert server.get("/score?a=b").text == "/score?a=b"
    assert server.score(b"bad").status_code == 500
    upload = server.score(files={"image": ("a.png", b"\x00\xff")})
    assert upload.json() == {"image": ["a.png", 2]}


def test_request_headers_are_given_when_run_names_them(serve: Serve) -> None:
    server = serve(
        "def init(): pass\n"
        "def run(data, request_headers): return [data, request_headers['X-Mine']]\n"
    )
    assert server.score(b"x", headers={"x-mine": "1"}).json() == ["x", "1"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("def run(data): pass", "does not define init()"),
        ("def init(): pass", "does not define run()"),
        ("def init(): pass\ndef run(*args): pass", "*args"),
        ("def init(): pass\ndef run(): pass", "must take an argument"),
        ("def init(): pass\ndef run(a, /): pass", "positional-only"),
        ("def init(a): pass\ndef run(a): pass", "without arguments"),
        ("def init(: pass", "SyntaxError"),
        ("import no_such_thing", "No module named 'no_such_thing'"),
    ],
)
def test_a_script_that_cannot_be_served_fails_in_import(
    serve: Serve, script: str, reason: str
) -> None:
    server = serve(script, healthy=False)
    status = server.wait("Failed")
    assert reason in status["reason"]
    assert status["evidence"]["stage"] == "import"
    assert status["evidence"]["exit_code"] == 3
    assert server.score({}).status_code == 503


def test_raw_and_schema_together_are_refused(serve: Serve) -> None:
    script = SCHEMA.replace("def init", RAW.splitlines()[1] + "\ndef init").replace(
        "@output_schema", "@rawhttp\n@output_schema"
    )
    assert (
        "both @rawhttp and @input_schema" in serve(script, healthy=False).wait("Failed")["reason"]
    )


def test_unencodable_results_and_wrong_paths_and_methods_have_their_texts(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return object()\n")
    answer = server.score({})
    assert (answer.status_code, message(answer)) == (
        500,
        "An unexpected internal error occurred. Check the logs for more info.",
    )
    lost = server.get("/nowhere")
    assert (lost.status_code, message(lost)[:31]) == (404, "The requested URL was not found")
    import httpx

    wrong = httpx.put(f"{server.url}/score")
    assert (wrong.status_code, message(wrong)) == (
        405,
        "The method is not allowed for the requested URL.",
    )
    options = httpx.options(f"{server.url}/score")
    assert (options.status_code, options.content) == (200, b"")


def test_ids_are_echoed_made_and_limited(serve: Serve) -> None:
    server = serve()
    made = server.score({}).headers
    assert len(made["x-request-id"]) == 36
    assert made["x-ms-request-id"] == made["x-request-id"]
    assert "x-ms-client-request-id" not in made
    assert float(made["x-ms-run-fn-exec-ms"]) >= 0
    echoed = server.score({}, headers={"x-request-id": "r", "TraceId": "t"}).headers
    assert (echoed["x-request-id"], echoed["traceid"]) == ("r", "t")
    legacy = server.score({}, headers={"x-ms-request-id": "old"}).headers
    assert (legacy["x-ms-request-id"], legacy["x-ms-client-request-id"]) == ("old", "old")
    both = {"x-ms-client-request-id": "c", "x-request-id": "r"}
    client = server.score({}, headers=both).headers
    assert (client["x-ms-client-request-id"], client["x-ms-request-id"]) == ("c", "c")
    long = server.score({}, headers={"x-request-id": "x" * 101})
    assert (long.status_code, message(long)) == (
        431,
        "x-request-id must not exceed 100 characters",
    )


def test_the_entry_script_may_be_nested_and_import_beside_itself(
    serve: Serve, tmp_path: Path
) -> None:
    root = tmp_path / "0" / "app"
    (root / "src" / "deep").mkdir(parents=True)
    (root / "src" / "helper.py").write_text("WHO = 'helper'\n", encoding="utf-8")
    (root / "src" / "deep" / "near.py").write_text("WHO = 'near'\n", encoding="utf-8")
    (root / "src" / "data.txt").write_text("data", encoding="utf-8")
    (root / "src" / "deep" / "score.py").write_text(
        "import helper, near, main, wire, sys\n"
        "def init(): pass\n"
        "def run(d):\n"
        "    return [helper.WHO, near.WHO, main.WHO, wire.WHO, open('src/data.txt').read()]\n",
        encoding="utf-8",
    )
    (root / "main.py").write_text("WHO = 'own main'\n", encoding="utf-8")
    (root / "wire.py").write_text("WHO = 'own wire'\n", encoding="utf-8")
    server = serve(None, entry_script="src/deep/score.py", source_directory="src")
    assert server.score({}).json() == ["helper", "near", "own main", "own wire", "data"]


def test_without_an_entry_script_main_and_its_driver_module_are_used(
    serve: Serve, tmp_path: Path
) -> None:
    root = tmp_path / "0" / "app"
    root.mkdir(parents=True)
    (root / "main.py").write_text("import real as driver_module\n", encoding="utf-8")
    (root / "real.py").write_text(
        "def init(): pass\ndef run(d): return 'driven'\n", encoding="utf-8"
    )
    assert serve(None).score({}).json() == "driven"


STREAM = """
class Streamed:
    status_code, is_streamed, headers = 200, True, {"Content-Type": "text/plain"}
    def __init__(self, broken): self.response = self.parts(broken)
    def get_data(self): raise AssertionError("whole")
    def parts(self, broken):
        for number in range(50):
            yield str(number) * 100_000
        if broken: raise ValueError("broke off")
def init(): pass
def run(data): return Streamed(data == "broken")
"""


def test_a_streamed_response_arrives_piece_by_piece(serve: Serve) -> None:
    import httpx

    server = serve(STREAM, queue_wait_ms=20_000)
    answer = server.score(b"")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.text == "".join(str(number) * 100_000 for number in range(50))
    with pytest.raises(httpx.RemoteProtocolError):
        server.score(b"broken")
    assert server.logged("ValueError: broke off")
    assert server.score(b"").status_code == 200


def test_options_reaches_raw_scripts_only_with_a_key(serve: Serve, tmp_path: Path) -> None:
    import httpx

    keys = tmp_path / "keys.json"
    keys.write_text('{"primary": "k"}', encoding="utf-8")
    raw = serve(RAW, auth=True, keys_file=str(keys))
    assert httpx.options(f"{raw.url}/score").status_code == 401
    opened = httpx.options(f"{raw.url}/score", headers={"x-api-key": "k"})
    assert opened.headers.get_list("access-control-allow-methods") == ["GET", "POST"]
    assert httpx.options(f"{raw.url}/swagger.json").content == b""
    plain = serve(auth=True, keys_file=str(keys))
    assert httpx.options(f"{plain.url}/score").status_code == 200
