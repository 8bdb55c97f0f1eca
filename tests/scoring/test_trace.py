"""W3C Trace Context: handed on unchanged, named in log lines, repeated when it is valid."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.scoring_server import Server

Serve = Callable[..., Server]
ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{ID}-00f067aa0ba902b7-01"
SCRIPT = """
import os
def init(): pass
def run(data):
    print("seen", data)
    return [os.environ.get("TRACEPARENT"), os.environ.get("TRACESTATE")]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("trace"), SCRIPT).start()
    server.wait("Healthy")
    yield server
    server.close()


def test_a_context_reaches_run_and_every_line_of_its_request(server: Server) -> None:
    headers = [("traceparent", PARENT), ("tracestate", "a=1, b=2"), ("tracestate", "c@d=3")]
    answer = server.score(b"one", headers=headers)
    assert answer.json() == [PARENT, "a=1, b=2,c@d=3"]
    assert answer.headers["traceparent"] == PARENT
    assert server.logged("seen one")["trace"] == ID
    access = next(
        line
        for line in server.log()
        if line["rid"] == answer.headers["x-request-id"] and line["stream"] == "server"
    )
    assert access["trace"] == ID


def test_a_request_without_a_context_has_none_left_over(server: Server) -> None:
    server.score(b"traced", headers={"traceparent": PARENT, "tracestate": "a=1"})
    answer = server.score(b"bare")
    assert answer.json() == [None, None]
    assert "traceparent" not in answer.headers
    assert "trace" not in server.logged("seen bare")


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00",
        PARENT.upper(),
        PARENT + "-more",
        PARENT[:-1],
        PARENT.replace(ID, "0" * 32),
        PARENT.replace("00f067aa0ba902b7", "0" * 16),
        "ff" + PARENT[2:],
        PARENT.replace("4bf9", "4bg9"),
        PARENT + " , " + PARENT,
    ],
)
def test_a_context_that_is_not_valid_is_dropped_with_its_state(server: Server, parent: str) -> None:
    answer = server.score(b"x", headers={"traceparent": parent, "tracestate": "a=1"})
    assert answer.json() == [None, None]
    assert "traceparent" not in answer.headers


def test_two_parents_are_none(server: Server) -> None:
    answer = server.score(b"x", headers=[("traceparent", PARENT), ("traceparent", PARENT)])
    assert answer.json() == [None, None]


def test_a_later_version_may_say_more(server: Server) -> None:
    later = "cc" + PARENT[2:] + "-what-comes"
    assert server.score(b"x", headers={"traceparent": later}).json() == [later, None]


@pytest.mark.parametrize(
    "state",
    ["novalue", "a=1,a=2", "UPPER=1", "a=" + "x" * 300, ",".join(f"k{i}=1" for i in range(33))],
)
def test_a_state_that_is_not_valid_is_dropped_alone(server: Server, state: str) -> None:
    answer = server.score(b"x", headers={"traceparent": PARENT, "tracestate": state})
    assert answer.json() == [PARENT, None]


def test_scripts_that_take_headers_and_inference_requests_are_traced_too(serve: Serve) -> None:
    script = SCRIPT.replace("run(data)", "run(data, request_headers)")
    server = serve(script.replace("return [", "return [request_headers['Traceparent'], "))
    headers = {"traceparent": PARENT}
    assert server.score(b"x", headers=headers).json() == [PARENT, PARENT, None]
    body = {"inputs": [{"name": "body", "datatype": "BYTES", "shape": [1], "data": ["v2"]}]}
    answer = httpx.post(f"{server.url}/v2/models/svc/infer", json=body, headers=headers)
    assert answer.json()["outputs"][0]["data"] == [f'["{PARENT}", "{PARENT}", null]']
    assert answer.headers["traceparent"] == PARENT
    assert server.logged("seen v2")["trace"] == ID
