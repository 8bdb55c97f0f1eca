"""Scripts that answer with what no answer may hold."""

from collections.abc import Callable

from tests.support.scoring_server import Server

Serve = Callable[..., Server]


def test_a_header_that_cannot_be_written_is_an_error_and_no_injection(serve: Serve) -> None:
    server = serve(
        "from azureml.contrib.services.aml_response import AMLResponse\n"
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "def init(): pass\n"
        "@rawhttp\n"
        "def run(request):\n"
        "    return AMLResponse('x', 200, {'X-A': request.args['v']})\n"
    )
    assert server.get("/score", params={"v": "ä€"}).headers["x-a"].endswith("?")
    injected = server.get("/score", params={"v": "a\r\nX-Evil: 1"})
    assert "x-evil" not in injected.headers
    assert injected.status_code == 500
    assert server.score(b"").status_code == 500
