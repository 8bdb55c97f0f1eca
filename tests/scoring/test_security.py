"""What strangers can reach, and what other people on the machine can."""

import json
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.scoring_server import DEADLINE, Server

Serve = Callable[..., Server]
ECHO = "def init(): pass\ndef run(data): return data\n"

PATHS = (
    "/score",
    "/score/",
    "//score",
    "/./score",
    "/x/../score",
    "/score;x",
    "/score%00",
    "/score%3Fa=1",
    "/score%2F",
    "/%73core",
    "/SCORE",
    "/score?x=/livez",
    "http://other/score",
    "/api/v1/service/svc/score",
    "/api/v1/service/svc//score",
    "/api/v1/service/svc/../svc/score",
    "/api/v1/service/svc/%73core",
    "/api/v1/service/svc/api/v1/service/svc/score",
    "/api/v1/service/svc/swagger.json",
    "/api/v1/service/../service/svc/score",
    "/livez/../score",
    "/livez%2F..%2Fscore",
    "/v2/models/svc/infer",
    "/v2/models/../score",
    "/openapi.json",
    "/swagger.json",
)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("locked")
    (folder / "keys.json").write_text(json.dumps({"primary": "k1"}), encoding="utf-8")
    server = Server(folder, ECHO, auth=True, keys_file="keys.json").start()
    server.wait("Healthy")
    yield server
    server.close()


def exchange(server: Server, message: bytes) -> bytes:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), DEADLINE) as client:
        client.sendall(message)
        answer = b""
        while data := client.recv(65536):
            answer += data
        return answer


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_of_a_path_gets_past_the_keys(locked: Server, path: str, method: str) -> None:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    status = int(exchange(locked, head.encode()).split()[1])
    assert status in (401, 404, 405)


@pytest.mark.parametrize(
    "header",
    [
        "Authorization: Bearer",
        "Authorization: Bearer ",
        "Authorization: k1",
        "Authorization: Basic k1",
        "Authorization: Bearer k1 k1",
        "Authorization: Bearer k1,k2",
        "X-API-Key:",
        "X-API-Key: k",
        "X-API-Key: k11",
        "X-API-Key: K1",
        "X_API_Key: k1",
        "X-API-Key: \xff",
        "Proxy-Authorization: Bearer k1",
    ],
)
def test_what_is_not_a_key_does_not_open(locked: Server, header: str) -> None:
    message = f"GET /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n"
    assert exchange(locked, message.encode("latin-1")).startswith(b"HTTP/1.1 401 ")


def test_a_key_in_a_trailer_does_not_open(locked: Server) -> None:
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    trailer = b"\r\n1\r\na\r\n0\r\nX-API-Key: k1\r\n\r\n"
    assert exchange(locked, head + trailer).startswith(b"HTTP/1.1 401 ")


def test_what_is_wrong_with_the_key_file_is_in_the_log(serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"primary": "k1"}', encoding="utf-8")
    keys.chmod(0o644)
    server = serve(ECHO, auth=True, keys_file=str(keys))
    assert "its mode is 644, not 600" in server.logged("the key file")["text"]
    keys.write_text("{}", encoding="utf-8")
    assert server.score({}, headers={"x-api-key": "k2"}).status_code == 401
    assert server.logged("the key file holds no key")["level"] == "WARNING"
    keys.write_text('"secret', encoding="utf-8")
    assert server.score({}, headers={"x-api-key": "k2"}).status_code == 401
    assert "secret" not in server.logged("the key file cannot be read")["text"]


def test_without_a_key_file_nobody_gets_in(serve: Serve) -> None:
    server = serve(ECHO, auth=True, keys_file="nowhere.json")
    for headers in ({}, {"x-api-key": ""}, {"authorization": "Bearer"}):
        assert server.score({}, headers=headers).status_code == 401


def test_ids_of_callers_are_data_in_answers_and_logs(serve: Serve) -> None:
    server = serve(ECHO)
    odd = b'\x9b31m\xc3\xa4"}, {"seq": 1, \\u0000 \x80\xff'
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"
    answer = exchange(server, head + b"x-request-id: " + odd + b"\r\ntraceid: " + odd + b"\r\n\r\n")
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert b"x-request-id: " + odd in lines
    assert b"traceid: " + odd in [line[:7].lower() + line[7:] for line in lines]
    assert server.logged("POST /score")["rid"] == odd.decode("latin-1")


def test_nobody_else_reads_logs_and_state_or_opens_the_control_socket(serve: Serve) -> None:
    server = serve(ECHO)
    server.logged("Healthy")
    for path in (server.folder / "log.jsonl", server.folder / "state.json", server.control):
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
