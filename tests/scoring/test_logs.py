"""What scripts print and log, as lines of the server's log."""

import json
from collections.abc import Callable

import httpx

from tests.support.scoring_server import Server, until

Serve = Callable[..., Server]

TALK = r"""
import logging, os, sys, warnings
log = logging.getLogger("mine")
def init():
    print("from init")
    log.info("logged in init")
def run(data):
    print("printed", data)
    print("two\nlines")
    print("\x1b[31mred\x1b[0m \x1e odd")
    print("no end", end="")
    sys.stderr.write("to stderr\n")
    log.warning("careful")
    log.debug("too much")
    os.write(1, b"native \xff\n")
    return 1
"""


def test_lines_carry_stream_level_worker_and_request(serve: Serve) -> None:
    server = serve(TALK)
    answer = server.score({}, headers={"x-request-id": "req-1"})
    assert answer.status_code == 200
    server.logged("POST /score")
    server.logged("native")
    lines = {line["text"]: line for line in server.log()}
    assert lines["from init"]["rid"] == ""
    assert lines["mine - logged in init"]["level"] == "INFO"
    for text, stream, level in (
        ("printed {}", "stdout", "INFO"),
        ("two", "stdout", "INFO"),
        ("lines", "stdout", "INFO"),
        ("no end", "stdout", "INFO"),
        ("to stderr", "stderr", "WARNING"),
        ("mine - careful", "stderr", "WARNING"),
    ):
        line = lines[text]
        assert (line["stream"], line["level"]) == (stream, level)
        assert (line["rid"], line["worker"]) == ("req-1", 1)
    assert "mine - too much" not in lines
    assert lines["native \ufffd"]["rid"] == ""
    access = lines["POST /score 200 1"]
    assert (access["rid"], access["stream"], access["worker"]) == ("req-1", "server", 0)
    assert access["ms"] > 0


def test_escape_sequences_stay_data(serve: Serve) -> None:
    server = serve(TALK)
    server.score({})
    assert server.logged("red")["text"] == "\x1b[31mred\x1b[0m \x1e odd"
    raw = (server.folder / "log.jsonl").read_bytes()
    assert b"\x1b" not in raw
    assert b"\\u001b[31mred" in raw


def test_sequence_counts_by_one_within_a_boot_across_rotation(serve: Serve) -> None:
    server = serve(
        "def init(): pass\ndef run(data):\n    print(data[:90])\n    return 1\n", log_bytes=20_000
    )
    with httpx.Client(base_url=server.url) as client:
        for number in range(200):
            client.post("/score", content=f"line {number} {'x' * 80}")
    until(lambda: (server.folder / "log.jsonl.1").exists(), "the rotation")
    server.logged("line 199")
    older = (server.folder / "log.jsonl.1").read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in older] + server.log()
    numbers = [line["seq"] for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len({line["boot"] for line in lines}) == 1
    assert (server.folder / "log.jsonl").stat().st_size <= 20_000


def test_a_line_without_an_end_is_cut_and_a_dying_worker_is_heard(serve: Serve) -> None:
    server = serve(
        "import os\ndef init(): pass\ndef run(data):\n"
        "    os.write(1, b'y' * 200_000)\n    os.write(2, b'last words')\n    os._exit(9)\n"
    )
    assert server.score({}).status_code == 502
    assert server.logged("last words")["stream"] == "stderr"
    assert max(len(line["text"]) for line in server.log()) == 64 * 1024
    assert sum(line["text"].count("y") for line in server.log() if line["worker"]) == 200_000


def test_the_level_follows_the_variable(serve: Serve) -> None:
    server = serve(TALK, variables={"AZUREML_LOG_LEVEL": "DEBUG"})
    server.score({})
    assert server.logged("too much")["level"] == "DEBUG"
