"""The Models view over 100,000 versions, beside the same view over 100."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from statistics import median

from textual import events
from textual.pilot import Pilot

from backends.registry import index
from backends.registry.records import Framework, ModelFile, ModelVersion
from backends.workspace import Workspace
from console.app.app import PilothouseApp
from console.app.models.screen import ModelsScreen
from tests.bench.figures import Figure

FEW, MANY = 100, 100_000
VERSIONS_EACH = 10
ROUNDS = 7
KEYS = ("m", "o", "d", "e", "l", "_", "4")
AREAS = ("mnist", "text", "fraud", "vision", "energy")
Pilots = Pilot[None]


def measure() -> Iterator[Figure]:
    """Opening the view, and each keystroke of a filter until its rows stand on the screen."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["PILOTHOUSE_HOME"] = home
        few, many = _filled("few", FEW), _filled("many", MANY)
        small, large = _rounds(few), _rounds(many)
        few.close()
        many.close()
    for what, key in (("Models view opens", 0), ("a key in its filter", 1)):
        yield Figure(
            what=f"{what}, {MANY:,} versions",
            reference=f"the same, {FEW} versions",
            allowed=1.5,
            ours=tuple(times[key] for times in large),
            theirs=tuple(times[key] for times in small),
        )


def _filled(name: str, count: int) -> Workspace:
    workspace = Workspace.open(name)
    _ = workspace.registry
    with workspace.database.write() as db:
        for number in range(count):
            model = f"model_{number // VERSIONS_EACH:06d}"
            index.insert(db, _version(model, index.next_version(db, model), number))
    return workspace


def _version(name: str, version: int, number: int) -> ModelVersion:
    file = ModelFile(path="model.onnx", size=number, sha256=f"{number:064x}")
    return ModelVersion(
        name=name,
        version=version,
        created=time.time() - number,
        created_by="bench",
        files=(file,),
        digest=f"{number:064x}",
        framework=Framework.ONNX,
        tags={"area": AREAS[number % len(AREAS)]},
        description="A model of the benchmark.",
    )


def _rounds(workspace: Workspace) -> list[tuple[float, float]]:
    return [asyncio.run(_round(workspace)) for _ in range(ROUNDS)]


async def _round(workspace: Workspace) -> tuple[float, float]:
    app = PilothouseApp(workspace)
    began = time.perf_counter()
    async with app.run_test(size=(100, 30)) as pilot:
        await _until(pilot, lambda text: "model_" in text)
        opened = time.perf_counter() - began
        await pilot.press("a")
        await pilot.press("slash")
        typed, times = "", []
        for key in KEYS:
            typed += key
            times.append(await _timed(pilot, key, typed))
        await pilot.press("escape", "escape")
    return opened, median(times)


async def _timed(pilot: Pilots, key: str, typed: str) -> float:
    """Seconds from a key until the list holds the rows of the filter with it."""
    began = time.perf_counter()
    pilot.app.post_message(events.Key("underscore" if key == "_" else key, key))
    screen = pilot.app.screen
    assert isinstance(screen, ModelsScreen)
    while screen.filtered_by != typed or any(w.group == "models" for w in pilot.app.workers):  # noqa: ASYNC110 - nothing tells when rows stand there
        await asyncio.sleep(0.001)
    return time.perf_counter() - began


async def _until(pilot: Pilots, met: Callable[[str], bool]) -> None:
    while not met(_text(pilot)):
        await pilot.pause(0.001)


def _text(pilot: Pilots) -> str:
    compositor = pilot.app.screen._compositor
    return "\n".join(strip.text for strip in compositor.render_strips(pilot.app.size))
