"""From the files of a registration to the version as it will be: stored bytes, marks, schema."""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256

from msgspec.structs import replace

from backends.registry import index
from backends.registry.blobs import Stage
from backends.registry.model_schema import inspect_files
from backends.registry.pickles import scan
from backends.registry.records import Framework, ModelFile, ModelVersion, Registration, Source
from backends.registry.sources import SourceFile


def take_in(
    stage: Stage,
    request: Registration,
    sources: Sequence[SourceFile],
    progress: Callable[[int, int], None] | None,
) -> ModelVersion:
    """Bring every file into the stage and look inside: the version, but for its number and time."""
    files = _store(stage, sources, progress)
    schema, problem = inspect_files(stage, files, said=request.framework is Framework.ONNX)
    return replace(_draft(request, files), schema=schema, schema_problem=problem)


def _store(
    stage: Stage, sources: Sequence[SourceFile], progress: Callable[[int, int], None] | None
) -> tuple[ModelFile, ...]:
    total, done = sum(source.size for source in sources), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    files = []
    for source in sources:
        size, digest = stage.add(source.origin, source.identity, advance)
        executes = scan(source.path, stage.path(digest))
        files.append(
            ModelFile(path=source.path, size=size, sha256=digest, executes_on_load=executes)
        )
    return tuple(files)


def _draft(request: Registration, files: Sequence[ModelFile]) -> ModelVersion:
    """The version as it will be, but for its number and time."""
    manifest = [[file.path, file.size, file.sha256] for file in files]
    onnx = any(file.path.lower().endswith(".onnx") for file in files)
    return ModelVersion(
        name=request.name,
        version=0,
        created=0.0,
        created_by=index.actor(),
        files=tuple(files),
        digest=sha256(json.dumps(manifest, separators=(",", ":")).encode()).hexdigest(),
        description=request.description,
        framework=request.framework or (Framework.ONNX if onnx else Framework.CUSTOM),
        framework_version=request.framework_version,
        tags=dict(request.tags),
        properties=dict(request.properties),
        resources=request.resources,
        sample_input=request.sample_input,
        sample_output=request.sample_output,
        source=Source(path=request.path, experiment=request.experiment, run_id=request.run_id),
    )
