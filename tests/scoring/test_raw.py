"""What raw scripts see of a request and may answer, without Flask in their environment."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.scoring_server import DEADLINE, Server

SCRIPT = """
import sys
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
def changed():
    answer = AMLResponse("first", 200, {"X-A": "1, 2"})
    answer.data, answer.mimetype, answer.status_code = b"second", "text/csv", 203
    answer.headers["X-B"] = "3"
    answer.headers.add("X-B", "4")
    return answer
ANSWERS = {
    "none": lambda: None,
    "changed": changed,
    "text status": lambda: AMLResponse("x", "299 ODD"),
    "99": lambda: AMLResponse("x", 99),
    "100": lambda: AMLResponse("x", 100),
    "600": lambda: AMLResponse("x", 600),
    "204": lambda: AMLResponse("HTTP/1.1 200 OK", 204),
    "205": lambda: AMLResponse("HTTP/1.1 200 OK", 205),
    "304": lambda: AMLResponse("HTTP/1.1 200 OK", 304),
    "304 streamed": lambda: AMLResponse((part for part in ("a", "b")), 304),
    "length": lambda: AMLResponse("xyz", 200, {"Content-Length": "2", "Connection": "close",
                                               "Transfer-Encoding": "chunked"}),
}
@rawhttp
def run(request):
    what = request.args.get("what")
    if what in ANSWERS: return ANSWERS[what]()
    if what == "seen":
        return [request.method, request.path, request.full_path, request.content_type,
                request.content_length, request.mimetype, request.scheme, request.is_secure]
    if what == "values": return [request.values, request.args.get("n", type=int),
                                 request.args.get("what", 5, type=int), request.cookies]
    if what == "headers": return sorted(request.headers)
    if what == "environ": return sorted(n for n in request.environ if n.startswith("HTTP_X"))
    return sys.argv[1:]
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("raw"), SCRIPT, queue_wait_ms=20_000).start()
    server.wait("Healthy")
    yield server
    server.close()


def answers(server: Server, *whats: str) -> bytes:
    """What comes over one connection to requests for these answers, until it ends."""
    host, port = server.url.removeprefix("http://").split(":")
    heads = [
        f"GET /score?what={what.replace(' ', '%20')} HTTP/1.1\r\nHost: x\r\n" for what in whats
    ]
    message = "\r\n".join(heads) + "Connection: close\r\n\r\n"
    with socket.create_connection((host, int(port)), DEADLINE) as client:
        client.sendall(message.encode())
        found = b""
        while data := client.recv(65536):
            found += data
        return found


def test_a_request_without_body_has_neither_type_nor_length(raw: Server) -> None:
    seen = raw.get("/score?what=seen").json()
    assert seen == ["GET", "/score", "/score?what=seen", None, None, "", "http", False]
    posted = raw.score(b"abc", params={"what": "seen"}, headers={"content-type": "Text/X; a=b"})
    assert posted.json()[3:6] == ["Text/X; a=b", 3, "text/x"]


def test_values_are_converted_where_that_is_asked(raw: Server) -> None:
    answer = raw.score(
        data={"a": "1"}, params={"what": "values", "n": "7"}, headers={"cookie": "c=d; e=f"}
    )
    assert answer.json() == [{"a": "1", "what": "values", "n": "7"}, 7, 5, {"c": "d", "e": "f"}]


def test_a_name_with_an_underscore_is_not_taken_for_one_with_a_hyphen(raw: Server) -> None:
    sent = {"X-User": "real", "X_User": "forged", "X_Other": "forged"}
    names = raw.get("/score?what=headers", headers=sent).json()
    assert [name for name in names if name.startswith("X")] == ["X-User"]
    assert raw.get("/score?what=environ", headers=sent).json() == ["HTTP_X_USER"]


def test_a_response_may_be_changed_after_it_was_made(raw: Server) -> None:
    answer = raw.get("/score?what=changed")
    assert (answer.status_code, answer.text) == (203, "second")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers.get_list("x-a") == ["1", "2"]
    assert answer.headers.get_list("x-b") == ["3", "4"]


def test_none_is_an_empty_object(raw: Server) -> None:
    assert raw.get("/score?what=none").json() == {}


@pytest.mark.parametrize("what", ["99", "100", "600"])
def test_a_status_that_is_no_answers_is_an_internal_error(raw: Server, what: str) -> None:
    answer = raw.get(f"/score?what={what}")
    assert answer.status_code == 500
    assert "internal error" in answer.json()["message"]


def test_a_status_may_be_given_with_its_phrase(raw: Server) -> None:
    assert raw.get("/score?what=text status").status_code == 299


@pytest.mark.parametrize("what", ["204", "205", "304", "304 streamed"])
def test_what_has_no_body_leaves_nothing_before_the_next_answer(raw: Server, what: str) -> None:
    found = answers(raw, what, "none")
    first, _, rest = found.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 " + what[:3].encode())
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"\r\n\r\n{}")


def test_framing_is_the_servers_own(raw: Server) -> None:
    found = answers(raw, "length", "none")
    first, _, rest = found.partition(b"\r\n\r\n")
    assert b"content-length: 3\r\n" in first
    assert b"chunked" not in first
    assert rest.startswith(b"xyzHTTP/1.1 200 OK\r\n")
