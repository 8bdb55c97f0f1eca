"""Workers on other Pythons than the supervisor's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.pythons import VERSIONS, Python, pythons
from tests.support.scoring_server import Server

Serve = Callable[..., Server]

SCRIPT = """
import logging, sys
from azureml.core.model import Model
def init():
    print("on", sys.version_info[:2])
def run(data, request_headers):
    logging.warning("logged")
    if data == "raise":
        raise ValueError("asked for")
    return [list(sys.version_info[:2]), data, request_headers["Content-Type"],
            [n for n in sys.modules if "pilothouse" in n and not n.startswith("_pilothouse_")]]
"""

RAW = """
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
@rawhttp
def run(request):
    return AMLResponse(request.form["a"] + request.files["f"].filename, 202, {"x-a": "b, c"})
"""


@pytest.mark.parametrize("python", pythons(*VERSIONS), ids=lambda found: found.version)
def test_every_calling_mode_works_on_every_python(serve: Serve, python: Python) -> None:
    major, minor = python.version.split(".")
    server = serve(SCRIPT, interpreter=str(python.path))
    answer = server.score(b"hello", headers={"content-type": "text/x"})
    assert answer.json() == [[int(major), int(minor)], "hello", "text/x", []]
    assert server.score(b"raise", headers={"content-type": "text/x"}).status_code == 500
    assert server.logged("ValueError: asked for")["level"] == "ERROR"
    raw = serve(RAW, interpreter=str(python.path))
    posted = raw.score(data={"a": "1"}, files={"f": ("name", b"x")})
    assert (posted.status_code, posted.text) == (202, "1name")
    assert posted.headers.get_list("x-a") == ["b", "c"]


@pytest.mark.parametrize("python", pythons("oldest"), ids=lambda found: found.version)
def test_a_failure_on_the_oldest_python_has_its_evidence(serve: Serve, python: Python) -> None:
    script = "def init(): raise KeyError('k')\ndef run(d): pass\n"
    server = serve(script, healthy=False, interpreter=str(python.path))
    status = server.wait("Failed")
    assert status["reason"] == "KeyError: 'k'"
    assert "score.py" in status["evidence"]["traceback"]


LETTERS = """# -*- coding: utf-8 -*-
import logging, sys
def init(): print("größe")
def run(data):
    sys.stderr.write("straße\\n")
    logging.warning("wärme")
    if data == "fehler": raise ValueError("ungültig")
    return open(__file__).read().count("ö")
"""


@pytest.mark.parametrize("python", pythons("oldest", "newest"), ids=lambda found: found.version)
def test_letters_beyond_ascii_pass_where_no_locale_is_set(
    serve: Serve, tmp_path: Path, python: Python
) -> None:
    root = tmp_path / "0" / "app" / "mö"
    root.mkdir(parents=True)
    (root / "scöre.py").write_text(LETTERS, encoding="utf-8")
    variables = {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}
    settings = {"entry_script": "mö/scöre.py", "variables": variables}
    server = serve(None, interpreter=str(python.path), **settings)
    assert server.score(b"zahl").json() == 2
    assert server.score(b"fehler").status_code == 500
    for text in ("größe", "straße", "wärme", "ungültig"):
        assert server.logged(text)
