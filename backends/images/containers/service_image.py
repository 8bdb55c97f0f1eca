"""Service images: environment, then models, then source, so that what changes most comes last."""

import contextlib
import hashlib
import json
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from backends.engines.engine import Engine
from backends.images.bundle import MODELS
from backends.images.containers import names
from backends.images.containers.container_files import state_entries
from backends.images.containers.layers import Archive, Layer, make_layer
from backends.images.containers.records import Image, StepFinished, StepStarted
from backends.images.containers.store import find_environment, find_image, find_layer
from backends.images.containers.tars import Entry, digest_of, folder_entries, tar_of
from backends.images.venv import BuildLine
from backends.targets.records import ServiceSpec

_OWN_LAYER = 32 << 20
"""Bytes of models that are worth a layer of their own, which the next revision takes over."""
ENVIRONMENT_IMAGE = "pilothouse/environment-image"
"""Label of a service image: id of the environment image below it."""


async def build_service(
    engine: Engine, environment: Image, spec: ServiceSpec, tag: str = ""
) -> AsyncGenerator[BuildLine | StepStarted | StepFinished | Image, None]:
    """The image of one revision, tagged by its service and number; ends with it.

    Args:
        engine: Where the environment image is.
        environment: As `build_environment` gave it.
        spec: With its bundle.
        tag: Its name; empty: made from service and revision.

    Raises:
        PilothouseError: the engine refused or could not be reached, a file could not be read.
    """
    bundle = spec.bundle
    assert bundle is not None
    interpreter = environment.labels.get(names.INTERPRETER, "")
    source = [*_source(bundle), *state_entries(spec, interpreter)]
    models = await _models_key(environment, spec)
    digest = hashlib.sha256(f"{models}{digest_of(source)}".encode()).hexdigest()
    kind = names.PACKAGE if tag else names.SERVICE
    if not tag:
        tag = names.service_tag(spec.workspace, spec.name, spec.revision, digest)
        if known := await find_image(engine, tag):
            yield known
            return
    below, content, title = environment.id, source, "source"
    size = _size(bundle / MODELS)
    if size < _OWN_LAYER:
        content, title = [*_models(bundle), *source], "models and source"
    elif found := await find_layer(engine, models):
        yield StepStarted(number=1, title="models")
        yield StepFinished(number=1, title="models", seconds=0.0, size=0, cached=True)
        below = found
    else:
        below_models = _models_layer(environment, bundle, models, size)
        async for item in _step(engine, 1, "models", below_models):
            if isinstance(item, Image):
                below = item.id
            else:
                yield item
    layer = Layer(
        parent=below,
        title=title,
        archives=(Archive(folder="/", pieces=lambda: tar_of(content)),),
        labels=_labels(environment, spec) | {names.IMAGE: kind},
        tag=tag,
    )
    number = 1 if title != "source" else 2
    async for item in _step(engine, number, title, layer):
        yield item


async def environment_below(engine: Engine, service: str, key: str) -> Image | None:
    """The environment image that a service image stands on, while the engine has it.

    Args:
        engine: Where.
        service: The service's image; it may be gone.
        key: Of the environment, which finds another image of the same.
    """
    found = await find_image(engine, service) if service else None
    below = found.labels.get(ENVIRONMENT_IMAGE, "") if found else ""
    known = await find_image(engine, below) if below else None
    return known or await find_environment(engine, key)


async def _step(
    engine: Engine, number: int, title: str, layer: Layer
) -> AsyncGenerator[BuildLine | StepStarted | StepFinished | Image, None]:
    began = time.monotonic()
    parent = await find_image(engine, layer.parent)
    yield StepStarted(number=number, title=title)
    async with contextlib.aclosing(make_layer(engine, layer)) as items:
        async for item in items:
            if isinstance(item, Image):
                size = item.size - (parent.size if parent else 0)
                seconds = time.monotonic() - began
                yield StepFinished(number=number, title=title, seconds=seconds, size=size)
            yield item


def _models_layer(environment: Image, bundle: Path, key: str, size: int) -> Layer:
    return Layer(
        parent=environment.id,
        title="models",
        archives=(Archive(folder="/", pieces=lambda: tar_of(_models(bundle)), size=size),),
        labels={names.IMAGE: names.STEP, names.LAYER: key},
    )


def _models(bundle: Path) -> Iterator[Entry]:
    prefix = f"{names.APP_ROOT}/{MODELS}".lstrip("/")
    yield Entry(name=prefix, mode=0o755)
    yield from folder_entries(bundle / MODELS, f"{prefix}/")


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*")) if folder.is_dir() else 0


async def _models_key(environment: Image, spec: ServiceSpec) -> str:
    """Of the models' layer: their digests, or their bytes where one was never registered."""
    import asyncio

    assert spec.bundle is not None
    if all(model.digest for model in spec.models):
        content = ",".join(sorted(f"{model.id}@{model.digest}" for model in spec.models))
    else:
        content = await asyncio.to_thread(digest_of, folder_entries(spec.bundle / MODELS))
    return hashlib.sha256(f"{environment.id}|{content}".encode()).hexdigest()


def _source(bundle: Path) -> Iterator[Entry]:
    prefix = f"{names.APP_ROOT}/".lstrip("/")

    def keep(name: str, _folder: bool) -> bool:
        return name.partition("/")[0] != MODELS

    yield from folder_entries(bundle, prefix, keep=keep)


def _labels(environment: Image, spec: ServiceSpec) -> dict[str, str]:
    """OCI's (image-spec, annotations) and ours."""
    models = json.dumps({model.id: model.digest for model in spec.models}, separators=(",", ":"))
    return {
        "org.opencontainers.image.title": spec.name,
        "org.opencontainers.image.version": str(spec.revision),
        "org.opencontainers.image.description": spec.description,
        "org.opencontainers.image.created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "pilothouse/models": models,
        "pilothouse/schema": spec.sample or "",
        "pilothouse/service-name": spec.name,
        names.WORKSPACE: spec.workspace,
        names.LAYER: "",
        ENVIRONMENT_IMAGE: environment.id,
    }
