"""The ids of a request: on every answer whatever became of it, in the log, refused if too long."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.scoring_server import Server, until

Serve = Callable[..., Server]
SCRIPT = """
import json
def init(): pass
def run(data): return {"ok": 1, "fail": 1 / (data != "fail"), "bad": data == "bad" and {1}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("identity"), SCRIPT, body_bytes=1000).start()
    server.wait("Healthy")
    yield server
    server.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", b"", 200),
        ("POST", "/score", b"ok", 200),
        ("OPTIONS", "/score", b"", 200),
        ("POST", "/score", b"fail", 500),
        ("POST", "/score", b"bad", 500),
        ("POST", "/score", b"\xff", 400),
        ("POST", "/score", b"x" * 2000, 413),
        ("GET", "/swagger.json?version=9", b"", 404),
        ("GET", "/nowhere", b"", 404),
        ("PUT", "/score", b"", 405),
        ("GET", "/v2/models/none", b"", 404),
    ],
)
def test_every_answer_carries_them(
    server: Server, method: str, path: str, body: bytes, status: int
) -> None:
    headers = {"x-request-id": "mine", "x-ms-client-request-id": "theirs", "TraceId": "office"}
    answer = httpx.request(method, server.url + path, content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["x-request-id"] == "mine"
    assert answer.headers["x-ms-request-id"] == "theirs"
    assert answer.headers["x-ms-client-request-id"] == "theirs"
    assert answer.headers["traceid"] == "office"
    bare = httpx.request(method, server.url + path, content=body).headers
    assert len(bare["x-request-id"]) == 36
    assert bare["x-ms-request-id"] == bare["x-request-id"]
    assert "x-ms-client-request-id" not in bare
    assert "traceid" not in bare


LONG = "x" * 101
MS = "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x-request-id", "x-request-id must not exceed 100 characters"),
        ("x-ms-request-id", MS),
        ("x-ms-client-request-id", MS),
    ],
)
def test_one_that_is_too_long_is_431_and_not_repeated(server: Server, name: str, text: str) -> None:
    answer = server.score(b"ok", headers={name: LONG})
    assert (answer.status_code, answer.json()) == (431, {"message": text})
    assert LONG not in answer.headers.values()
    assert server.score(b"ok", headers={name: LONG[:100]}).headers[name] == LONG[:100]


def test_an_empty_one_counts_as_none(server: Server) -> None:
    answer = server.score(b"ok", headers={"x-request-id": "", "x-ms-client-request-id": ""})
    assert len(answer.headers["x-request-id"]) == 36
    assert "x-ms-client-request-id" not in answer.headers


def test_one_with_odd_characters_is_repeated_and_logged(server: Server) -> None:
    odd: Any = [(b"x-request-id", 'a"b\\c; é'.encode("latin-1"))]
    answer = server.score(b"ok", headers=odd)
    assert (b"x-request-id", 'a"b\\c; é'.encode("latin-1")) in answer.headers.raw
    until(lambda: 'a"b\\c; é' in {line["rid"] for line in server.log()}, "its line")


def test_the_old_name_is_warned_about_once(serve: Serve) -> None:
    server = serve()
    for _ in range(2):
        headers = server.score({}, headers={"x-ms-request-id": "old"}).headers
        assert headers["x-ms-client-request-id"] == headers["x-ms-request-id"] == "old"
        assert headers["x-request-id"] != "old"
    assert server.logged("x-ms-request-id is deprecated")["level"] == "WARNING"
    server.score({}, headers={"x-request-id": "last"})
    server.logged("POST /score 200")
    assert sum("deprecated" in line["text"] for line in server.log()) == 1


@pytest.mark.parametrize(
    ("head", "call", "found"),
    [
        ("def run(data='none')", "data", ["", "{}"]),
        ("def run(*, data)", "data", ["", "{}"]),
        (
            "def run(data, request_headers=None)",
            "[data, type(request_headers).__name__]",
            [["", "dict"], ["{}", "dict"]],
        ),
    ],
)
def test_parameters_may_have_defaults_or_be_keywords(
    serve: Serve, head: str, call: str, found: list[Any]
) -> None:
    server = serve(f"def init(): pass\n{head}: return {call}\n")
    posted, got = server.score(b"").json(), server.get("/score").json()
    assert [posted, got] == found


DEBUGGER = """
def connect(port): open("debugger.txt", "w").write(str(port))
def wait_for_client(): open("debugger.txt", "a").write(" waited")
"""


def test_a_debugger_is_connected_before_the_script_is_imported(serve: Serve, tmp_path: Any) -> None:
    root = tmp_path / "0/app"
    root.mkdir(parents=True)
    (root / "debugpy.py").write_text(DEBUGGER, encoding="utf-8")
    script = "seen = open('debugger.txt').read()\ndef init(): pass\ndef run(d): return seen\n"
    server = serve(script, variables={"AZUREML_DEBUG_PORT": "5678"})
    assert server.score({}).json() == "5678 waited"
