"""What a plan carries: the models that a request names, and what its bundle is made of."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from backends.configs.records import InferenceConfig
from backends.errors import InvalidInput, NotFound
from backends.images.bundle import BundleSource, LocalModel
from backends.registry.records import Framework, ModelVersion
from backends.registry.registry import Registry
from backends.services.records import DeployRequest, Revision
from backends.targets.records import ModelRef

MOST_MODELS = 1000
"""Models in one deployment (Azure ML v1's documented limit)."""

BUILTINS = MappingProxyType(
    {
        Framework.ONNX: "onnx",
        Framework.SCIKITLEARN: "sklearn",
        Framework.TENSORFLOW: "tensorflow",
        Framework.TFKERAS: "tensorflow",
    }
)
"""Frameworks that are served without an entry script, and their handler."""


class Carried(Struct, frozen=True):
    """The models of a plan: registered versions and unregistered paths."""

    versions: tuple[ModelVersion, ...]
    local: tuple[LocalModel, ...]

    @property
    def references(self) -> tuple[ModelRef, ...]:
        """All of them, as a spec names them."""
        registered = (ModelRef(v.name, v.version, v.digest) for v in self.versions)
        return (*registered, *(ModelRef(model.name, 0) for model in self.local))


def carry(references: Sequence[str], registry: Registry) -> Carried:
    """The models that a request names: `name`, `name:version`, or a local path.

    Raises:
        NotFound: the registry has no such model.
        InvalidInput: one is named twice, or there are too many.
    """
    if len(references) > MOST_MODELS:
        raise InvalidInput(
            f"{len(references)} models in one deployment; at most {MOST_MODELS} are allowed.",
            fix="Put the files of several models into one folder model.",
        )
    versions, local = [], []
    for reference in references:
        path = Path(reference)
        if (os.sep in reference or path.suffix) and path.exists():
            local.append(LocalModel(name=path.resolve().name[:30], path=path.resolve()))
        else:
            versions.append(registry.resolve(reference))
    names = [v.id for v in versions] + [model.name for model in local]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(
            f"The same model is named twice: {', '.join(twice)}.", fix="Name each one once."
        )
    return Carried(tuple(versions), tuple(local))


def hold(registry: Registry, service: str, models: Iterable[ModelRef]) -> None:
    """Make these models the ones that a service uses, as far as they are registered here.

    A service that was found on its target may carry some that this registry never had.
    """
    registered = []
    for model in models:
        with suppress(NotFound):
            registered += [registry.resolve(model.id).id] if model.version else []
    registry.claim(service, registered)


def no_code(carried: Carried) -> str:
    """The builtin handler for a deployment without an inference config.

    Raises:
        InvalidInput: it is not exactly one registered model of a framework served without code.
    """
    allowed = ", ".join(framework.value for framework in BUILTINS)
    fix = "Give an inference config with --ic (entry script and environment)."
    if len(carried.versions) != 1 or carried.local:
        raise InvalidInput(
            "Without an inference config exactly one registered model can be deployed;"
            f" {len(carried.references)} given.",
            fix=fix,
        )
    model = carried.versions[0]
    if model.framework not in BUILTINS:
        raise InvalidInput(
            f"Model {model.id} has framework {model.framework}; without an inference config only"
            f" {allowed} can be deployed.",
            fix=fix,
        )
    return BUILTINS[model.framework]


def bundle_source(
    request: DeployRequest,
    inference: InferenceConfig | None,
    carried: Carried | None,
    running: Revision | None,
    *,
    new_code: bool,
) -> BundleSource:
    """What the revision's bundle is made of: new code, or the running revision's.

    Raises:
        InvalidInput: new code for a service whose models were never registered.
    """
    earlier = running.spec.bundle if running else None
    models = carried.references if carried else (running.spec.models if running else ())
    keep_local = carried is None and any(model.version == 0 for model in models)
    if keep_local and new_code:
        raise InvalidInput(
            "The service carries model files that were never registered; an update of the code"
            " must name them again.",
            fix="Repeat their paths with -m.",
        )
    if inference is None or not new_code:
        return BundleSource(
            models=models,
            local_models=carried.local if carried else (),
            earlier=earlier,
            keep=carried is None and earlier is not None,
        )
    base = base_folder(request)
    folder = base / inference.source_directory if inference.source_directory else None
    return BundleSource(
        models=models,
        local_models=carried.local if carried else (),
        source_directory=folder,
        entry_script=(folder or base) / inference.entry_script,
    )


def base_folder(request: DeployRequest) -> Path:
    """The folder that relative paths of a request start from."""
    return Path(request.base) if request.base else Path.cwd()
