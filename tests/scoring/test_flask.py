"""Scripts whose environment has Flask, from 0.12 on: its requests, responses and exceptions."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.pythons import Python, pythons
from tests.support.scoring_server import Server

Serve = Callable[..., Server]
pytestmark = pytest.mark.skipif(
    "PILOTHOUSE_PYPI" not in os.environ, reason="PILOTHOUSE_PYPI=1 installs packages from PyPI"
)
PINS = {
    "3.6": ("flask==0.12", "werkzeug==0.14", "jinja2==2.10", "markupsafe<2", "itsdangerous==0.24"),
    "3.8": ("flask==1.1.4", "werkzeug<2", "markupsafe<2.1"),
    "3.11": ("flask==2.3.3", "werkzeug==2.3.8"),
    "3.13": ("flask",),
}
SCRIPT = """
import flask, werkzeug.exceptions
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
def parts():
    for number in range(3):
        yield "part %d;" % number
def with_cookie():
    answer = AMLResponse("x", 200, {"X-A": "1, 2"})
    answer.set_cookie("a", "b")
    answer.headers["X-B"] = "3"
    return answer
@rawhttp
def run(request):
    what = request.args["what"]
    if what == "request":
        return [isinstance(request, AMLRequest), request.get_json()["a"], request.headers["X-A"]]
    if what == "upload":
        return {name: file.read().decode() for name, file in request.files.items()}
    if what == "response": return flask.Response("x", 201, {"X-A": "1"}, mimetype="text/csv")
    if what == "stream": return flask.Response(parts(), mimetype="text/plain")
    if what == "cookie": return with_cookie()
    if what == "abort": flask.abort(418)
    if what == "odd": return flask.Response("x", 600)
    raise werkzeug.exceptions.NotFound("no such thing")
"""


@pytest.mark.parametrize("python", pythons(*PINS), ids=lambda found: found.version)
def test_flasks_own_objects_come_and_go(serve: Serve, tmp_path: Path, python: Python) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    target = tmp_path / "env"
    subprocess.run([uv, "venv", "-q", "-p", python.path, target], check=True)
    interpreter = target / "bin/python"
    subprocess.run(
        [uv, "pip", "install", "-q", "-p", interpreter, *PINS[python.version]], check=True
    )
    server = serve(SCRIPT, interpreter=str(interpreter))
    seen = server.score({"a": 5}, params={"what": "request"}, headers={"x-a": "1"})
    assert seen.json() == [True, 5, "1"]
    upload = server.score(files={"f": ("name", b"data")}, params={"what": "upload"})
    assert upload.json() == {"f": "data"}
    made = server.get("/score?what=response")
    assert (made.status_code, made.text, made.headers["x-a"]) == (201, "x", "1")
    assert made.headers["content-type"] == "text/csv; charset=utf-8"
    streamed = server.get("/score?what=stream")
    assert streamed.headers["transfer-encoding"] == "chunked"
    assert streamed.text == "part 0;part 1;part 2;"
    baked = server.get("/score?what=cookie")
    assert baked.cookies["a"] == "b"
    assert baked.headers.get_list("x-a") == ["1", "2"]
    assert baked.headers["x-b"] == "3"
    assert server.get("/score?what=abort").status_code == 418
    missing = server.get("/score?what=missing")
    assert (missing.status_code, missing.json()) == (404, {"message": "no such thing"})
    assert server.get("/score?what=odd").status_code == 500
