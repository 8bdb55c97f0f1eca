"""How the targets look; each docstring says what to look at."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from backends.errors import PilothouseError, Unavailable
from backends.images.containers.history import ImageLayer
from backends.images.containers.store import StoredImage
from backends.services.target_images import ImageUse, TargetImages
from backends.services.targets import Targets
from backends.targets.catalog import TargetRecord, abilities_of
from backends.targets.records import TargetInfo
from backends.workspace import Workspace
from console.app.app import PilothouseApp
from console.app.shell.context import Context, Link
from console.app.targets import screen
from console.app.targets.images import ImagesScreen
from tests.console.conftest import Starter
from tests.support.pilots import press, settle

Compare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]
SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["narrow", "wide"])
INFO = TargetInfo(
    version="Docker 24.0.7 (API 1.43)",
    identity="edge-gw",
    cpus=4,
    memory_gb=8.3,
    latency_ms=3.2,
)
LOST = Unavailable(
    "Docker could not tell what it is: nothing answers at /var/run/docker.sock: the engine is"
    " stopped (url of the target).",
    fix="Start it (`systemctl start docker`).",
)


@pytest.fixture
def app(workspace: Workspace, start: Starter, monkeypatch: pytest.MonkeyPatch) -> PilothouseApp:
    """Three targets, whose answers are always the same."""
    answers: dict[str, TargetInfo | PilothouseError] = {
        "process": TargetInfo(version="Python 3.11 on Linux", identity="desk", cpus=8),
        "edge-gw": INFO,
        "lab": LOST,
    }

    async def check(context: Context, name: str) -> TargetInfo | PilothouseError:
        found = answers[name]
        kind = "process" if name == "process" else "docker"
        context.able[name] = abilities_of(kind)
        reached = isinstance(found, TargetInfo)
        context.links[name] = Link(name, reached, 3.2, context.clock())
        return found

    async def probe(self: Targets, record: TargetRecord) -> TargetInfo:
        if record.settings.get("url") == "ssh://ops@lab":
            raise LOST
        return INFO

    monkeypatch.setattr(screen, "check", check)
    monkeypatch.setattr(Targets, "probe", probe)
    for name in ("edge-gw", "lab"):
        settings = {"url": f"ssh://ops@{name}"}
        workspace.targets.attach(
            TargetRecord(name=name, kind="docker", workspace="factory-north", settings=settings)
        )
    workspace.targets.set_default("edge-gw")
    return start(workspace, mode="targets")


def keys(*pressed: str) -> Before:
    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, *pressed)

    return before


@SIZES
def test_list(app: PilothouseApp, snap_compare: Compare, size: tuple[int, int]) -> None:
    """Links, capacity, which is the default; what the one under the cursor can do."""
    assert snap_compare(app, terminal_size=size, run_before=keys("j"))


@SIZES
def test_lost(app: PilothouseApp, snap_compare: Compare, size: tuple[int, int]) -> None:
    """The reason and what to do stand in the detail."""
    assert snap_compare(app, terminal_size=size, run_before=keys("G", "enter"))


@SIZES
def test_attach(app: PilothouseApp, snap_compare: Compare, size: tuple[int, int]) -> None:
    """The roads, the settings of the one chosen, and what answers there."""
    before = keys("n", "text:lab", "tab", "tab", "right", "right", "right", "tab", "text:ssh")
    assert snap_compare(app, terminal_size=size, run_before=before)


@SIZES
def test_settings(app: PilothouseApp, snap_compare: Compare, size: tuple[int, int]) -> None:
    """The settings that are there, on their road; why it does not answer, and what to do."""
    assert snap_compare(app, terminal_size=size, run_before=keys("G", "e"))


IMAGES = (
    ("pilothouse/env:9f2c4f1e9a0b77c2aa01-1c2d3e4f", "environment", 812e6, (), False),
    ("pilothouse/north-digits:r3-4f1e9a0b77c2", "service", 838e6, ("digits r3",), False),
    ("pilothouse/north-digits:r2-0a77c2ffee00", "service", 838e6, (), True),
    ("pilothouse/server:1c2d3e4f5a6b7c8d", "server", 96e6, (), False),
)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, app: PilothouseApp) -> PilothouseApp:
    """Images that an engine tells."""
    now = app.context.clock()

    async def found(self: TargetImages) -> tuple[ImageUse, ...]:
        return tuple(
            ImageUse(
                image=StoredImage(
                    id=f"sha256:{number}",
                    reference=reference,
                    kind=kind,
                    size=int(size),
                    created=now - 86_400 * (number + 1),
                    used_by=("pilothouse.north.digits.r3.1",) if revisions else (),
                ),
                revisions=revisions,
                unneeded=unneeded,
            )
            for number, (reference, kind, size, revisions, unneeded) in enumerate(IMAGES)
        )

    async def layers(self: TargetImages, reference: str) -> tuple[ImageLayer, ...]:
        made = (("models and source", 26e6), ("the server", 96e6), ("packages", 566e6), ("", 0))
        base = ("ADD rootfs.tar.xz /", 150e6)
        return tuple(
            ImageLayer(made_by=text, size=int(size), created=now) for text, size in (*made, base)
        )

    monkeypatch.setattr(TargetImages, "list", found)
    monkeypatch.setattr(TargetImages, "layers", layers)
    return app


def images(*pressed: str) -> Before:
    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "j", "i", "j", *pressed)
        assert any(isinstance(each, ImagesScreen) for each in pilot.app.screen_stack)

    return before


@SIZES
def test_images(engine: PilothouseApp, snap_compare: Compare, size: tuple[int, int]) -> None:
    """What needs each image, what can go, and the layers of the one under the cursor."""
    assert snap_compare(engine, terminal_size=size, run_before=images())


def test_layers_narrow(engine: PilothouseApp, snap_compare: Compare) -> None:
    """The layers with their sizes in the list's place."""
    assert snap_compare(engine, terminal_size=(80, 24), run_before=images("enter"))


@SIZES
def test_prune(engine: PilothouseApp, snap_compare: Compare, size: tuple[int, int]) -> None:
    """What would go with its size, and the command line that does the same."""
    assert snap_compare(engine, terminal_size=size, run_before=images("P"))
