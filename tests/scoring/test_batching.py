"""Micro-batching: scripts that declare it, errors apart, bounds, and what cannot be combined."""

import concurrent.futures
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpx
import pytest

from tests.support.pythons import Python, pythons
from tests.support.scoring_server import DEADLINE, Server, until

Serve = Callable[..., Server]

BATCHES = """
import json, os, time

BATCH_SIZE = 8

def init(): pass

def run_batch(items):
    orders = [json.loads(item) for item in items]
    while "hold" in orders and not os.path.exists("go"):
        time.sleep(0.005)
    if "die" in orders: os._exit(5)
    if "spin" in orders:
        while True: pass
    if "few" in orders: return orders[1:]
    print("calls", len(items))
    if "raise" in orders: raise ValueError("bad one")
    return [ValueError("mine") if order == "own" else [order, len(orders)] for order in orders]
"""


RAW = """
from azureml.contrib.services.aml_request import rawhttp
@rawhttp
def run(request): pass
def run_batch(items): return items
"""
SCHEMA = """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import (
    StandardPythonParameterType)
@input_schema("data", StandardPythonParameterType(1))
def run(data): pass
def run_batch(items): return items
"""


class Held:
    """Requests that have queued up behind one that holds the worker; `release` lets it go."""

    def __init__(self, server: Server, orders: Iterable[Any]) -> None:
        self.server = server
        self.pool = concurrent.futures.ThreadPoolExecutor(64)
        self.first = self._post("hold", "first")
        until(lambda: "scoring_inflight 1" in self.metrics(), "the first")
        self.rest = []
        for number, order in enumerate(orders):
            self.rest.append(self._post(order, f"r{number}"))
            depth = f"scoring_queue_depth {number + 1}\n"
            until(lambda depth=depth: depth in self.metrics(), "the queue")

    def metrics(self) -> str:
        return self.server.get("/metrics").text

    def release(self) -> list[httpx.Response]:
        (self.server.root / "go").touch()
        found = [call.result(DEADLINE) for call in [self.first, *self.rest]]
        self.pool.shutdown()
        return found

    def _post(self, order: Any, rid: str) -> "concurrent.futures.Future[httpx.Response]":
        headers = {"x-request-id": rid}
        body = order if isinstance(order, bytes) else json.dumps(order).encode()
        return self.pool.submit(self.server.score, body, headers=headers)


def bodies(answers: Sequence[httpx.Response]) -> list[Any]:
    return [
        answer.json() if answer.status_code == 200 else answer.status_code for answer in answers
    ]


def batches(server: Server) -> dict[str, int]:
    """The histogram of batch sizes: how many batches up to each bound."""
    lines = server.get("/metrics").text.splitlines()
    found = (re.match(r'scoring_batch_size_bucket\{le="(.*)"\} (\d+)', line) for line in lines)
    return {match[1]: int(match[2]) for match in found if match}


def test_what_waits_when_the_worker_gets_free_is_one_batch(serve: Serve) -> None:
    server = serve(BATCHES, queue_wait_ms=30_000)
    assert server.score(0).json() == [0, 1]
    answers = Held(server, range(6)).release()
    assert bodies(answers) == [["hold", 1], *([number, 6] for number in range(6))]
    assert [a.headers["x-request-id"] for a in answers[1:]] == [f"r{n}" for n in range(6)]
    assert all(float(a.headers["x-pilothouse-queue-ms"]) > 0 for a in answers[1:])
    assert all("x-ms-run-fn-exec-ms" in a.headers for a in answers)
    assert batches(server) == {**dict.fromkeys(("1", "2", "4"), 2), "8": 3} | dict.fromkeys(
        ("16", "32", "64", "128", "256", "512", "+Inf"), 3
    )
    assert server.logged("calls 6")["rid"] == "r0,r1,r2,r3,r4,r5"


def test_a_batch_has_at_most_the_declared_size(serve: Serve) -> None:
    server = serve(BATCHES, queue_wait_ms=30_000)
    answers = Held(server, range(11)).release()
    assert [size for _, size in bodies(answers)] == [1, *[8] * 8, *[3] * 3]


def test_a_batch_has_a_bounded_number_of_bytes(serve: Serve) -> None:
    server = serve(BATCHES, queue_wait_ms=30_000)
    large = json.dumps("x" * 9_000_000).encode()
    answers = Held(server, [1, large, large, 2]).release()
    assert [answer.json()[1] for answer in answers[1:]] == [2, 2, 2, 2]


def test_one_bad_request_does_not_fail_its_neighbours(serve: Serve) -> None:
    server = serve(BATCHES, queue_wait_ms=30_000)
    answers = Held(server, [1, "own", "raise", b"\xff", 4, b"no JSON"]).release()
    kinds = [answer.status_code for answer in answers]
    assert kinds == [200, 200, 500, 500, 400, 200, 500]
    assert [answers[1].json()[0], answers[5].json()[0]] == [1, 4]
    assert answers[2].headers["x-ms-run-function-failed"].lower() == "true"
    assert server.logged("ValueError: mine")["rid"] == "r1"
    assert server.logged("ValueError: bad one")["rid"] == "r2"
    assert server.logged("JSONDecodeError")["rid"] == "r5"


def test_results_that_do_not_fit_the_requests_fail_them_all(serve: Serve) -> None:
    server = serve(BATCHES, queue_wait_ms=30_000)
    answers = Held(server, [1, "few"]).release()
    assert [answer.status_code for answer in answers] == [200, 500, 500]
    assert server.logged("run_batch() returned 1 results for 2 requests.")
    assert server.score(3).json() == [3, 1]


def test_a_batch_ends_together_when_the_worker_dies_and_the_queue_lives(serve: Serve) -> None:
    server = serve(BATCHES, queue_wait_ms=30_000)
    orders = [1, 2, "die", 4, 5, 6, 7, 8, "after"]
    answers = Held(server, orders).release()
    assert bodies(answers) == [["hold", 1], *[502] * 8, ["after", 1]]


def test_a_batch_that_does_not_come_back_is_timed_out_together(serve: Serve) -> None:
    server = serve(BATCHES, queue_wait_ms=30_000, scoring_timeout_ms=3000)
    first = server.status()["workers"]
    answers = Held(server, [1, "spin"]).release()
    assert bodies(answers) == [["hold", 1], 504, 504]
    until(lambda: server.status()["workers"] not in (first, []), "another worker")
    server.wait("Healthy", ready=1)
    assert server.score(1).json() == [1, 1]


def test_headers_come_as_a_list(serve: Serve) -> None:
    script = (
        "def init(): pass\n"
        "def run_batch(items, request_headers):\n"
        "    return [[i, h['X-Own']] for i, h in zip(items, request_headers)]\n"
    )
    server = serve(script)
    assert server.score(b"a", headers={"x-own": "1"}).json() == ["a", "1"]


def test_run_stays_what_it_is_where_no_batch_is_declared(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return 1\n", queue_wait_ms=30_000)
    assert server.score({}).json() == 1
    assert batches(server) == {}


def test_arrays_and_responses_are_results_too(serve: Serve) -> None:
    script = """
import numpy
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
def run(data): raise RuntimeError("run_batch() is there")
def run_batch(items):
    if items[0] == "response": return [AMLResponse("made", 202)]
    return numpy.array([[1.5, 2]] * len(items))
"""
    server = serve(script)
    assert server.score(b"x").json() == [1.5, 2.0]
    answer = server.score(b"response")
    assert (answer.status_code, answer.text) == (202, "made")


def test_the_open_protocol_reaches_a_batching_script_one_by_one(serve: Serve) -> None:
    script = """
import json
def init(): pass
def run_batch(items): return [json.loads(item) for item in items]
"""
    server = serve(script)
    body = {"inputs": [{"name": "body", "shape": [1], "datatype": "BYTES", "data": ["[1, 2]"]}]}
    answer = httpx.post(f"{server.url}/v2/models/svc/infer", json=body, timeout=DEADLINE)
    assert answer.status_code == 200, answer.text
    assert "[1, 2]" in str(answer.json()["outputs"])


def test_the_sample_warms_a_batching_worker(serve: Serve) -> None:
    server = serve(BATCHES, sample="1", workers=2, concurrency=2)
    server.wait("Healthy", ready=2)
    assert server.logged("calls 1")["rid"] == "warm-up"


@pytest.mark.parametrize("python", pythons("oldest"))
def test_the_oldest_python_batches_too(serve: Serve, python: Python) -> None:
    server = serve(BATCHES, queue_wait_ms=30_000, interpreter=str(python.path))
    assert bodies(Held(server, [1, 2]).release()) == [["hold", 1], [1, 2], [2, 2]]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("BATCH_SIZE = 0\ndef run_batch(items): return items\n", "BATCH_SIZE must be a whole"),
        ("BATCH_SIZE = True\ndef run_batch(items): return items\n", "from 1 to 1024, not True"),
        ("def run_batch(): return []\n", "run_batch() must take one argument"),
        ("def run_batch(items, more): return []\n", "run_batch() must take one argument"),
        (RAW, "@input_schema and @rawhttp cannot be combined with it"),
        (SCHEMA, "@input_schema and @rawhttp cannot be combined with it"),
    ],
)
def test_what_cannot_be_a_batch_is_refused_at_start(serve: Serve, script: str, reason: str) -> None:
    server = serve("def init(): pass\n" + script, healthy=False)
    assert reason in server.wait("Failed")["reason"]
