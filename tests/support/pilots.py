"""Driving the console in tests: a fixed size, a still clock, and waiting until nothing is left."""

import time
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from textual.pilot import Pilot
from textual.worker import WorkerState

from backends.registry.records import Framework, Registration
from backends.registry.registry import Registry
from console.app.widgets.filter_bar import FilterBar
from console.clock import Clock

SMALL, USUAL, LARGE = (80, 24), (100, 30), (200, 50)
DEADLINE_SECONDS = 20.0
LASTING = frozenset({"watch", "follow", "metrics"})
"""Groups of workers that run as long as their screen does."""
DIALOGS = frozenset({"delete", "tags", "act"})
"""Groups of workers that wait for what a dialog ends with."""


async def settle(pilot: Pilot[None]) -> None:
    """Wait until no message, worker or typed filter is under way."""
    end = time.monotonic() + DEADLINE_SECONDS
    quiet = 0
    while quiet < 2:
        assert time.monotonic() < end, f"still busy: {list(pilot.app.workers)}"
        await pilot.pause(0.01)
        quiet = 0 if _busy(pilot) else quiet + 1


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, settling after each; `text:abc` types its letters."""
    for key in keys:
        if key.startswith("text:"):
            await pilot.press(*(_key(letter) for letter in key.removeprefix("text:")))
        else:
            await pilot.press(key)
        await settle(pilot)


def screen_text(pilot: Pilot[None]) -> str:
    """What is on the screen, without colours; lines stripped at their right end."""
    lines = pilot.app.screen._compositor.render_strips(pilot.app.size)
    return "\n".join(line.text.rstrip() for line in lines)


def still(registry: Registry) -> Clock:
    """A clock that stands two hours after the newest version was registered."""
    moment = max(row.created for row in registry.rows()) + 2 * 3600 + 30
    return lambda: moment


def fill(registry: Registry, folder: Path) -> None:
    """Register an ONNX model in four versions, a pickle in two, and three of one file each."""
    digits = folder / "digits"
    digits.mkdir(parents=True)
    (digits / "labels.txt").write_text("".join(f"{number}\n" for number in range(10)))
    for version in range(1, 5):
        write_onnx(digits / "model.onnx", scale=float(version))
        stage = "prod" if version == 4 else "old"
        registry.register(
            Registration(
                name="onnx_mnist",
                path=str(digits / "model.onnx" if version == 1 else digits),
                framework=Framework.ONNX,
                framework_version="1.15",
                tags={"area": "mnist", "stage": stage},
                properties={"accuracy": f"0.9{version}"},
                description="Digits of 28 by 28 pixels",
            )
        )
    pickled = folder / "model.pkl"
    pickled.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    for _ in range(2):
        registry.register(
            Registration(
                name="sklearn_mnist",
                path=str(pickled),
                framework=Framework.SCIKITLEARN,
                framework_version="1.5",
                tags={"area": "mnist"},
            )
        )
    for name, area in (("pump_vibration", "pumps"), ("sentiment", "text"), ("iris", "flowers")):
        file = folder / f"{name}.bin"
        file.write_bytes(name.encode() * 5000)
        registry.register(Registration(name=name, path=str(file), tags={"area": area}))


def write_onnx(path: Path, *, scale: float) -> None:
    """A real ONNX model that multiplies its input."""
    factor = helper.make_tensor("factor", TensorProto.FLOAT, [1], [scale])
    shape: list[str | int | None] = ["batch", 1, 28, 28]
    given = helper.make_tensor_value_info("Input3", TensorProto.FLOAT, shape)
    result = helper.make_tensor_value_info("Plus214_Output_0", TensorProto.FLOAT, shape)
    node = helper.make_node("Mul", ["Input3", "factor"], ["Plus214_Output_0"])
    graph = helper.make_graph([node], "digits", [given], [result], [factor])
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name="pilot")
    onnx.save(model, str(path))


def _busy(pilot: Pilot[None]) -> bool:
    running = (WorkerState.PENDING, WorkerState.RUNNING)
    for worker in pilot.app.workers:
        if worker.state in running and worker.group not in LASTING | DIALOGS:
            return True
    return any(bar.pending for bar in pilot.app.screen.query(FilterBar))


def _key(letter: str) -> str:
    names = {" ": "space", "/": "slash", ":": "colon", "=": "equals_sign", ".": "full_stop"}
    names |= {"-": "minus", "_": "underscore", "~": "tilde", "!": "exclamation_mark"}
    return names.get(letter, letter)
