"""Cross-origin calls: which origins are told that they may read an answer."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.scoring_server import Server

Serve = Callable[..., Server]
SCRIPT = """
from azureml.contrib.services.aml_response import AMLResponse
from azureml.contrib.services.aml_request import rawhttp
def init(): pass
@rawhttp
def run(request):
    allowed = {"Access-Control-Allow-Origin": "http://script.example",
               "Access-Control-Allow-Methods": "GET,PATCH"}
    return AMLResponse(request.method, 200, allowed)
"""
ALLOWED = "access-control-allow-origin"


def origins(server: Server, method: str = "GET", path: str = "/score", **headers: str) -> list[str]:
    answer = httpx.request(method, server.url + path, headers=headers)
    return list(answer.headers.get_list(ALLOWED))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    variables = {"AML_CORS_ORIGINS": "http://a.example, http://b.example"}
    script = "def init(): pass\ndef run(data): return 1 / (data != 'fail')\n"
    server = Server(tmp_path_factory.mktemp("cors"), script, variables=variables).start()
    server.wait("Healthy")
    yield server
    server.close()


@pytest.mark.parametrize("path", ["/score", "/", "/swagger.json", "/nowhere", "/v2"])
def test_named_origins_are_allowed_on_every_answer(server: Server, path: str) -> None:
    assert origins(server, path=path, origin="http://b.example") == ["http://b.example"]
    assert origins(server, path=path, origin="http://c.example") == []
    assert origins(server, path=path, origin="null") == []
    answer = httpx.get(server.url + path, headers={"origin": "http://c.example"})
    assert answer.headers["vary"] == "Origin"


def test_a_failure_may_be_read_too(server: Server) -> None:
    answer = server.score(b"fail", headers={"origin": "http://a.example"})
    assert (answer.status_code, answer.headers[ALLOWED]) == (500, "http://a.example")


@pytest.mark.parametrize("path", ["/score", "/v2/models/svc/infer", "/swagger.json"])
def test_a_preflight_is_answered_with_what_it_asks(server: Server, path: str) -> None:
    headers = {
        "origin": "http://a.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key, content-type",
    }
    answer = httpx.options(server.url + path, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers[ALLOWED] == "http://a.example"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "x-api-key, content-type"


def test_a_star_is_everyone_and_nothing_is_nobody(serve: Serve) -> None:
    everyone = serve(variables={"AML_CORS_ORIGINS": "*"})
    assert origins(everyone, origin="http://c.example") == ["*"]
    nobody = serve()
    assert origins(nobody, origin="http://a.example") == []
    assert "access-control-allow-methods" not in httpx.options(f"{nobody.url}/score").headers


def test_a_raw_script_allows_origins_itself_unless_the_server_does(serve: Serve) -> None:
    alone = serve(SCRIPT)
    assert origins(alone, origin="http://a.example") == ["http://script.example"]
    asked = httpx.options(f"{alone.url}/score", headers={"origin": "http://x.example"})
    assert asked.text == "OPTIONS"
    assert asked.headers.get_list("access-control-allow-methods") == ["GET", "PATCH"]
    both = serve(SCRIPT, variables={"AML_CORS_ORIGINS": "http://a.example"})
    assert origins(both, origin="http://a.example") == ["http://a.example"]
    assert origins(both, origin="http://c.example") == []
