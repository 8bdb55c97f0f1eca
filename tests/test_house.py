"""The rules of the house that a machine can count."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(p for room in ("backends", "console") for p in (ROOT / room).rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_APP = 400, 50, 250
HEAVY = ("textual", "rich", "docker", "kubernetes", "onnxruntime", "httpx", "uvicorn", "numpy")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_is_short(path: Path) -> None:
    """No file passes 400 lines, and the app stays a frame of 250."""
    limit = LONGEST_APP if path.match("console/app/app.py") else LONGEST_FILE
    assert len(path.read_text().splitlines()) <= limit


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_function_is_short(path: Path) -> None:
    """No function passes 50 lines, its docstring not counted."""
    long = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node) is not None and first.end_lineno is not None:
                length -= first.end_lineno - first.lineno + 1
            if length > LONGEST_FUNCTION:
                long.append(f"{node.name}: {length}")
    assert long == []


def _imported(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["backends.workspace", "backends.targets.catalog", "console.cli.main"]
)
def test_opening_imports_nothing_heavy(module: str) -> None:
    """A workspace, the catalog and the command line open without an SDK or a terminal library."""
    assert _imported(f"import {module}").isdisjoint(HEAVY)


def test_the_app_opens_without_any_sdk() -> None:
    """The console's first paint needs Textual and nothing else that is heavy."""
    loaded = _imported("import console.app.app")
    assert loaded.isdisjoint(set(HEAVY) - {"textual", "rich"})
