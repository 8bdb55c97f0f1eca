"""The bundle: a revision's models and source laid out as the scoring server expects them.

    <root>/azureml-models/<name>/<version>/…    each model's files
    <root>/<source folder>/…                    the source directory under its own name
    <root>/score.py                             the entry script when there is no source directory

The layout is Azure ML v1's app root (`/var/azureml-app`), so scripts find their paths.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from backends.errors import InvalidInput, Refused
from backends.targets.records import ModelRef

MODELS = "azureml-models"

Materialize = Callable[[str, Path], None]
"""Writes a registered version's files below a folder."""


class LocalModel(Struct, frozen=True, kw_only=True):
    """Files that were never registered: version 0 of a name taken from the path."""

    name: str
    path: Path


class BundleSource(Struct, frozen=True, kw_only=True):
    """What goes into a bundle."""

    models: tuple[ModelRef, ...] = ()
    local_models: tuple[LocalModel, ...] = ()
    source_directory: Path | None = None
    entry_script: Path | None = None
    """The script itself when no source directory is packed."""
    earlier: Path | None = None
    """The bundle of an earlier revision: its source is taken over as it was deployed."""
    keep: bool = False
    """Use `earlier` whole: nothing of models or source changes."""


def model_dir(models: tuple[ModelRef, ...]) -> str:
    """What AZUREML_MODEL_DIR names, relative to the root: one model's folder, or all models'."""
    if len(models) == 1:
        return f"{MODELS}/{models[0].name}/{models[0].version}"
    return MODELS


def stage_bundle(source: BundleSource, root: Path, materialize: Materialize) -> Path:
    """Lay the bundle out below `root` and return the folder to run from.

    A half-made bundle of an interrupted attempt is replaced.

    Raises:
        Refused: the source holds a link that leaves it, a device or a socket.
    """
    if source.keep and source.earlier is not None:
        return source.earlier
    staged = root.with_name(f".{root.name}.staged")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        _models(source, staged, materialize)
        _source(source, staged)
        shutil.rmtree(root, ignore_errors=True)
        staged.replace(root)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return root


def _models(source: BundleSource, root: Path, materialize: Materialize) -> None:
    (root / MODELS).mkdir()
    for model in source.models:
        if model.version:
            materialize(model.id, root / MODELS / model.name / str(model.version))
    for local in source.local_models:
        _copy(local.path, root / MODELS / local.name / "0" / local.path.name)


def _source(source: BundleSource, root: Path) -> None:
    if source.earlier is not None:
        for entry in source.earlier.iterdir():
            if entry.name != MODELS:
                _copy(entry, root / entry.name)
    elif source.source_directory is not None:
        folder = source.source_directory.resolve()
        if folder.name == MODELS:
            raise InvalidInput(
                f"The source directory {folder} is named '{MODELS}', which is the models' place.",
                fix="Rename the source directory.",
            )
        _copy(folder, root / folder.name)
    elif source.entry_script is not None:
        _copy(source.entry_script, root / source.entry_script.name)


def _copy(source: Path, target: Path) -> None:
    if not source.is_dir():
        _check(source, source.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)
        return
    target.mkdir(parents=True, exist_ok=True)
    for folder, path in _walk(source, target.parent):
        _check(path, source)
        place = target / path.relative_to(source)
        if folder and path.is_symlink():  # the walk does not enter it
            place.symlink_to(os.path.relpath(path.resolve(), path.parent.resolve()))
        elif folder:
            place.mkdir(exist_ok=True)
        else:
            shutil.copyfile(path, place)
            shutil.copymode(path, place)


def _walk(source: Path, skip: Path) -> Iterator[tuple[bool, Path]]:
    """Folders before what they hold; `skip` (where we write) is left out of its own copy."""
    for here, folders, files in os.walk(source):
        folders[:] = sorted(f for f in folders if not skip.is_relative_to(Path(here, f).resolve()))
        yield from ((True, Path(here, name)) for name in folders)
        yield from ((False, Path(here, name)) for name in sorted(files))


def _check(path: Path, inside: Path) -> None:
    kind = path.stat().st_mode if path.exists() else 0
    if path.is_symlink() and not path.resolve().is_relative_to(inside.resolve()):
        raise Refused(
            f"{path} is a link that leaves {inside}.",
            fix="Put the file itself there, or take the link away.",
        )
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise Refused(
            f"{path} is neither a file nor a folder (a dangling link, a device or a socket).",
            fix="Take it out of the source directory.",
        )
