"""The registry: a large file beside `sha256sum`, a filter on many versions beside on few."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from backends.database import Database
from backends.filters import parse
from backends.registry import index
from backends.registry.records import ModelFile, ModelVersion, Registration
from backends.registry.registry import Registry
from tests.bench.figures import Figure, command, compare, show

GIGABYTE = 1_000_000_000
CHUNK = 1 << 24
MANY, FEW = 100_000, 100
AREAS = ("mnist", "vision", "speech", "text", "tabular")
KEYSTROKES = ("m", "mn", "mni", "mnis", "mnist", "area=mnist", "stage!=old", "size:>1KB")
"""What someone types who looks for a model."""
COUNTED = (*KEYSTROKES, "nobody has this", "!area=mnist", "used:no", "created:<7d")
PAGE = 20
"""Rows of a small terminal; what is looked for fills it, among few models and among many."""


def measure() -> Iterator[Figure]:
    """Registering a gigabyte, then filters on 100,000 versions."""
    with tempfile.TemporaryDirectory() as folder:
        yield _large_file(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        many, few = filled(Path(folder) / "many", MANY), filled(Path(folder) / "few", FEW)
        yield compare(
            f"first rows of a keystroke, {MANY:,} models",
            _searching(many),
            f"the same, {FEW} models",
            _searching(few),
            allowed=1.5,
        )
        yield compare(
            f"count of a keystroke, {MANY:,} models",
            _counting(many),
            "a word counted over texts in memory",
            _in_memory(MANY),
            allowed=5.0,
        )


def filled(root: Path, count: int) -> Registry:
    """A registry of `count` models that share no bytes with anything."""
    database = Database(root / "workspace.db")
    registry = Registry(root, database)
    with database.write() as db:
        for number in range(count):
            index.insert(db, _model(number))
    return registry


def _model(number: int) -> ModelVersion:
    area = AREAS[number % len(AREAS)]
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return ModelVersion(
        name=f"model_{number:06}_{area}",
        version=1,
        created=1.7e9 + number,
        created_by="bench",
        files=(ModelFile(path="model.onnx", size=number * 100, sha256=digest),),
        digest=digest,
        description=f"Number {number}, about {area}",
        tags={"area": area, "stage": ("prod", "test", "old")[number % 3], "nr": str(number)},
    )


def _large_file(folder: Path) -> Figure:
    source = folder / "large.bin"
    with source.open("wb") as file:
        for _ in range(GIGABYTE // CHUNK + 1):
            file.write(os.urandom(CHUNK))
        file.truncate(GIGABYTE)
    registry = Registry(folder / "workspace", Database(folder / "workspace" / "workspace.db"))

    def register() -> float:
        began = time.perf_counter()
        model = registry.register(Registration(name="large", path=str(source)))
        took = time.perf_counter() - began
        registry.delete(model.id)
        return took

    digest = command("sha256sum", str(source))
    return compare("register 1 GB", register, "sha256sum of it", digest, allowed=2.0, rounds=3)


def _searching(registry: Registry) -> Callable[[], float]:
    filters = [parse(text) for text in KEYSTROKES]

    def run() -> float:
        began = time.perf_counter()
        for wanted in filters:
            registry.search(wanted, latest=True, offset=0, limit=PAGE)
        return (time.perf_counter() - began) / len(filters)

    return run


def _counting(registry: Registry) -> Callable[[], float]:
    filters = [parse(text) for text in COUNTED]

    def run() -> float:
        began = time.perf_counter()
        for wanted in filters:
            registry.count(wanted, latest=True)
        return (time.perf_counter() - began) / len(filters)

    return run


def _in_memory(count: int) -> Callable[[], float]:
    models = map(_model, range(count))
    texts = [index.search_text(model.name, model.description) for model in models]

    def run() -> float:
        began = time.perf_counter()
        sum("mnist" in text for text in texts)
        return time.perf_counter() - began

    return run


if __name__ == "__main__":
    for figure in measure():
        print(show(figure), flush=True)
