"""The user's packages and modules never meet ours, whatever their names and versions."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.scoring.supervisor.spawn import WORKER
from tests.support.pythons import Python, pythons
from tests.support.scoring_server import Server

Serve = Callable[..., Server]

OURS = ("backends", "calling", "failure", "main", "messages", "output", "script", "wire", "worker")
STANDARD = sorted(
    name
    for name in sys.stdlib_module_names
    if not name.startswith("_") and name not in ("antigravity", "this")
)

PLAIN = """
def init(): print("ready")
def run(data):
    if data == "raise": raise ValueError("asked for")
    return data
"""
RAW = """
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
@rawhttp
def run(request):
    return AMLResponse([request.form.get("a"), request.args.get("b")], 201, json_str=True)
"""


@pytest.mark.parametrize("python", pythons("oldest", "newest"), ids=lambda found: found.version)
def test_user_modules_named_like_every_standard_module_hurt_nothing(
    serve: Serve, tmp_path: Path, python: Python
) -> None:
    interpreter = str(python.path)
    for number, script in enumerate((PLAIN, RAW)):
        root = tmp_path / str(number) / "app"
        root.mkdir(parents=True)
        for name in (*OURS, *STANDARD):
            (root / f"{name}.py").write_text("raise ImportError('the user's')\n", encoding="utf-8")
        server = serve(script, interpreter=interpreter)
        if script is PLAIN:
            assert server.score(b"text").json() == "text"
            assert server.score(b"raise").status_code == 500
            assert server.get("/score?a=1").json() == '{"a": 1}'
        else:
            posted = server.score(data={"a": "1"}, params={"b": "2"})
            assert (posted.status_code, posted.json()) == (201, ["1", "2"])
        assert server.get("/swagger.json").status_code == 200


LOOK = """
import os, sys
def init(): pass
def run(data):
    return {
        "modules": [n for n in sys.modules if not n.startswith(("_", "azureml"))],
        "path": sys.path,
        "argv": sys.argv[1:],
        "descriptors": sorted(int(n) for n in os.listdir("/proc/self/fd")),
    }
"""


def test_nothing_of_ours_is_in_the_workers_path_modules_arguments_or_descriptors(
    serve: Serve,
) -> None:
    server = serve(LOOK)
    seen = server.score(b"").json()
    assert not [name for name in seen["modules"] if name.split(".")[0] in (*OURS, "uvicorn")]
    assert str(WORKER.parent) not in seen["path"]
    assert seen["path"][0] == str(server.root)
    assert seen["argv"] == []
    connection_and_listing = 2
    assert len([number for number in seen["descriptors"] if number > 2]) == connection_and_listing


NAMES = ("uvicorn", "httptools", "uvloop", "h11", "click", "anyio", "httpx", "rich", "textual")
VERSIONS = f"""
import importlib
def init(): pass
def run(data):
    found = {{}}
    for name in {NAMES!r}:
        try: found[name] = importlib.import_module(name).__version__
        except ImportError: found[name] = ""
    return found
"""


def test_other_versions_of_the_supervisors_packages_are_what_the_script_sees(
    serve: Serve, tmp_path: Path
) -> None:
    venv.create(tmp_path / "env", symlinks=True)
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    for name in NAMES:
        (site / f"{name}.py").write_text("__version__ = '0.0.1'\n", encoding="utf-8")
    server = serve(VERSIONS, interpreter=str(tmp_path / "env/bin/python"))
    assert server.score(b"").json() == dict.fromkeys(NAMES, "0.0.1")


PINS = {
    "3.6": ("click==5.0", "h11==0.7.0", "uvicorn==0.3.30", "flask==0.12", "werkzeug==0.14"),
    "3.7": ("uvicorn==0.5.0", "h11==0.8.1", "click==7.0", "httptools==0.0.13", "websockets==7.0"),
    "3.11": ("uvicorn==0.16.0", "h11==0.12.0", "click==7.0", "anyio==3.0.0", "httptools==0.5.0"),
    "3.13": ("uvicorn", "h11", "click", "anyio", "httptools", "uvloop", "flask"),
}
INSTALLED = """
from importlib import import_module
try:
    from importlib.metadata import version
except ImportError:
    from pkg_resources import get_distribution
    def version(name): return get_distribution(name).version
def init():
    for name in {names!r}: import_module(name)
def run(data): return {{name: version(name) for name in {names!r}}}
"""


@pytest.mark.skipif(
    "PILOTHOUSE_PYPI" not in os.environ, reason="PILOTHOUSE_PYPI=1 installs packages from PyPI"
)
@pytest.mark.parametrize("python", pythons(*PINS), ids=lambda found: found.version)
def test_environments_with_clashing_pins_from_pypi_are_served(
    serve: Serve, tmp_path: Path, python: Python
) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    pins = PINS[python.version]
    target = tmp_path / "env"
    subprocess.run([uv, "venv", "-q", "-p", str(python.path), target], check=True)
    interpreter = target / "bin/python"
    packages = [*pins, "setuptools<80"]
    subprocess.run([uv, "pip", "install", "-q", "-p", interpreter, *packages], check=True)
    names = tuple(pin.partition("==")[0] for pin in pins)
    server = serve(INSTALLED.format(names=names), interpreter=str(interpreter))
    seen = server.score(b"").json()
    assert [seen[pin.partition("==")[0]] for pin in pins if "==" in pin] == [
        pin.partition("==")[2] for pin in pins if "==" in pin
    ]
    assert all(seen.values())
