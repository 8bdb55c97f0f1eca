"""`pilothouse image list`, `remove`, `prune`, `save` and `load`."""

import asyncio
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from console.cli.complete import complete_targets
from console.cli.config_options import coded
from console.cli.context import Session, asynchronous
from console.cli.options import Command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backends.engines.engine import Engine
    from backends.images.containers.store import StoredImage
    from backends.workspace import Workspace


def engine_option(command: Any) -> Any:
    """`--ct`: the target whose engine is meant."""
    return coded(
        "--ct",
        "--compute-target",
        "target",
        default="",
        metavar="NAME",
        shell_complete=complete_targets,
        help="A target with an engine; else the only one, else this machine's.",
    )(command)


@click.command("list", cls=Command)
@engine_option
@click.pass_obj
@asynchronous
async def list_images(session: Session, target: str) -> None:
    """List the images that Pilothouse made, the newest first; sizes hold what they share."""
    from backends.images.containers.store import stored_images

    async with session.live_workspace() as workspace:
        async with await _engine(workspace, target) as engine:
            found = await stored_images(engine)
        wanted = _wanted(workspace)
    _emit(session, found, wanted)


@click.command("remove", cls=Command)
@click.argument("reference")
@engine_option
@click.pass_obj
@asynchronous
async def remove(session: Session, reference: str, target: str) -> None:
    """Remove one image that Pilothouse made and nothing needs."""
    from backends.images.containers.store import remove_image

    async with session.live_workspace() as workspace, await _engine(workspace, target) as engine:
        await remove_image(engine, reference)
    session.out.emit({"removed": reference})


@click.command("prune", cls=Command)
@engine_option
@click.option("--dry-run", is_flag=True, help="List what would go and remove nothing.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also what a rollback would need, and other workspaces' images.",
)
@click.pass_obj
@asynchronous
async def prune(session: Session, target: str, dry_run: bool, everything: bool) -> None:
    """Remove images that neither a container nor a service's revision needs; never others'."""
    from backends.images.containers.store import prune_images

    async with session.live_workspace() as workspace:
        keep, whose = ({}, "") if everything else (_wanted(workspace), workspace.name)
        async with await _engine(workspace, target) as engine:
            gone = await prune_images(engine, keep, whose, dry=dry_run)
    _emit(session, gone, {})


@click.command("save", cls=Command)
@click.argument("references", nargs=-1, required=True, metavar="IMAGE|SERVICE…")
@click.option("-t", "--target-file", "file", required=True, help="The tar; it must be new.")
@engine_option
@click.pass_obj
def save(session: Session, references: tuple[str, ...], file: str, target: str) -> None:
    """Write images, or those of services by name, to a tar for an engine without a registry."""
    from backends.errors import InvalidInput

    path = Path(file)
    if path.exists():
        raise InvalidInput(f"{path} is there already.", fix="Name a file that is new.")
    staged = path.with_name(f".{path.name}.part")
    try:
        with staged.open("xb") as out:
            saved = asyncio.run(_save(session, references, target, out))
        staged.rename(path)
    finally:
        staged.unlink(missing_ok=True)
    session.out.emit({"path": str(path), "images": saved, "size": path.stat().st_size})


@click.command("load", cls=Command)
@click.argument("file")
@engine_option
@click.pass_obj
def load(session: Session, file: str, target: str) -> None:
    """Load images from a tar that `save` or `docker save` wrote."""
    from backends.errors import NotFound

    path = Path(file)
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", fix="Check its path.")
    with path.open("rb") as source:
        session.out.emit({"loaded": asyncio.run(_load(session, target, source))})


async def _save(
    session: Session, references: "Sequence[str]", target: str, out: IO[bytes]
) -> list[str]:
    from contextlib import aclosing

    from backends.images.containers.store import save_image

    async with session.live_workspace() as workspace:
        images = {s.name: s.spec.image for s in workspace.services.list() if s.spec.image}
        named = [images.get(reference) or reference for reference in references]
        async with (
            await _engine(workspace, target) as engine,
            aclosing(save_image(engine, named)) as pieces,
        ):
            async for piece in pieces:
                out.write(piece)
    return named


async def _load(session: Session, target: str, source: IO[bytes]) -> list[str]:
    from backends.images.containers.store import load_image

    async with session.live_workspace() as workspace, await _engine(workspace, target) as engine:
        lines = [line async for line in load_image(engine, source)]
    return [line.partition(": ")[2] for line in lines if line.startswith("Loaded")]


async def _engine(workspace: "Workspace", target: str) -> "Engine":
    from backends.engines.engine import Engine

    delivery = await workspace.packages.delivery(target)
    return Engine(delivery.engine)


def _wanted(workspace: "Workspace") -> dict[str, str]:
    """Image -> the revision that runs or could be rolled back to."""
    found = {}
    for service in workspace.services.list():
        for revision in workspace.services.revisions(service.name):
            if revision.spec.image:
                found[revision.spec.image] = f"{service.name} r{revision.number}"
    return found


def _emit(session: Session, images: "Sequence[StoredImage]", wanted: dict[str, str]) -> None:
    from console.present import age, size

    rows = [_shape(image, wanted) for image in images]
    table = [
        {
            "image": image.reference,
            "kind": image.kind,
            "size": size(image.size) if image.size >= 0 else "?",
            "age": age(image.created, time.time()) if image.created else "",
            "needed by": ", ".join(row["neededBy"]),
        }
        for image, row in zip(images, rows, strict=True)
    ]
    session.out.emit(rows, table=table)


def _shape(image: "StoredImage", wanted: dict[str, str]) -> dict[str, Any]:
    needed = [*image.used_by]
    needed += [wanted[image.reference]] if image.reference in wanted else []
    return {
        "id": image.id,
        "image": image.reference,
        "kind": image.kind,
        "size": image.size,
        "created": image.created,
        "neededBy": needed,
    }
