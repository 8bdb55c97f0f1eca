"""The schema of a version's ONNX model, found out by a process that may be lost."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile

import backends
from backends.registry import inspection
from backends.registry.blobs import Stage
from backends.registry.copying import place
from backends.registry.index import read_schema
from backends.registry.records import ModelFile, ModelSchema

SECONDS = 120.0
"""Longest wait for one model."""


def inspect_files(
    stage: Stage, files: Sequence[ModelFile], *, said: bool
) -> tuple[ModelSchema | None, str]:
    """The schema of the one ONNX model among staged files, or why there is none.

    A model is known by its name's ending; where it was `said` that the version is an ONNX model,
    a lone file is one under any name.

    The staged files are laid out under their names first: a model may keep its weights in files
    beside it.
    """
    models = [file for file in files if file.path.lower().endswith(".onnx")]
    if said and len(files) == 1:
        models = [*files]
    if said and not models:
        return None, "no file of it ends in .onnx"
    if len(models) != 1:
        return None, f"{len(models)} ONNX files: none of them is the model's" if models else ""
    tree = stage.folder / "tree"
    for file in files:
        place(stage.path(file.sha256), tree / file.path)
    return inspect(tree / models[0].path)


def inspect(path: Path) -> tuple[ModelSchema | None, str]:
    """What the inspection says about one file, or how it failed."""
    with TemporaryFile() as output:
        try:
            ended = subprocess.run(
                [sys.executable, "-P", "-m", inspection.__name__, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None, f"its inspection took longer than {SECONDS:.0f} s"
        output.seek(0)
        text = output.read(2 * inspection.MAX_OUTPUT)
    if ended.returncode:
        return None, f"its inspection ended with {_ending(ended.returncode)}"
    return _read(text)


def _read(text: bytes) -> tuple[ModelSchema | None, str]:
    try:
        found = json.loads(text)
        return (None, str(found["problem"])) if "problem" in found else (read_schema(found), "")
    except (ValueError, KeyError, TypeError):
        return None, "its inspection gave no answer"


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _environment() -> dict[str, str]:
    """Only what Python needs: no secret of ours is within the model's reach."""
    root = str(Path(backends.__file__).parent.parent)
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
