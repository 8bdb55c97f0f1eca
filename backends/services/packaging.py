"""Packages: models and code as an image, or as a Dockerfile with its context; nothing is deployed.

What `az ml model package` of v1 does.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from backends.configs.curated import curated
from backends.configs.records import (
    ComputeType,
    DeploymentConfig,
    Environment,
    InferenceConfig,
)
from backends.engines.addresses import resolve
from backends.engines.records import Delivery
from backends.errors import InvalidInput
from backends.images.bundle import BundleSource, model_dir, stage_bundle
from backends.images.containers import building
from backends.images.containers.records import Image
from backends.images.environment import EnvironmentPlan, plan_environment
from backends.registry.registry import Registry
from backends.services import specs
from backends.services.carried import bundle_source, carry, no_code
from backends.services.environments import Environments
from backends.services.naming import derive_name
from backends.services.planning import check_files
from backends.services.records import DeployRequest
from backends.services.targets import Targets
from backends.targets.records import ServiceSpec

_ENGINE = "docker"
"""The kind of target that is an engine."""


class PackageRequest(Struct, frozen=True, kw_only=True):
    """A wish for a package."""

    models: tuple[str, ...]
    """`name`, `name:version`, or a local path (version 0)."""
    inference: InferenceConfig | None = None
    inference_file: str = ""
    base: str = ""
    """Folder that relative paths of the config start from; empty: the current directory."""
    image_name: str = ""
    """Empty: made from the first model's name."""
    image_label: str = ""
    """The image's tag; empty: the time."""


class PackagePlan(Struct, frozen=True, kw_only=True):
    """A package, checked and decided."""

    location: str
    """Name and tag of the image."""
    spec: ServiceSpec
    source: BundleSource
    environment: EnvironmentPlan


class Packager:
    """Makes packages of a workspace's models."""

    def __init__(
        self, workspace: str, registry: Registry, environments: Environments, targets: Targets
    ) -> None:
        self._workspace = workspace
        self._registry = registry
        self._environments = environments
        self._targets = targets

    def plan(self, request: PackageRequest) -> PackagePlan:
        """Check a wish (blocking).

        Raises:
            InvalidInput: a model, file or value is wrong.
            NotFound: a model or environment does not exist.
        """
        base = Path(request.base) if request.base else Path.cwd()
        carried = carry(request.models, self._registry)
        builtin = None if request.inference else no_code(carried)
        if request.inference is not None:
            check_files(request.inference, base, request.inference_file)
        environment = plan_environment(
            request.inference,
            base,
            builtin=builtin,
            framework_version=carried.versions[0].framework_version if builtin else "",
            lookup=self._environment,
            containers=True,
        )
        wish = DeployRequest(name=_name(request), base=request.base, inference=request.inference)
        source = bundle_source(wish, request.inference, carried, None, new_code=True)
        spec = specs.make(
            workspace=self._workspace,
            request=wish,
            target="",
            revision=1,
            models=source.models,
            inference=request.inference,
            deployment=DeploymentConfig(compute_type=ComputeType.LOCAL),
            environment=environment,
            builtin=builtin,
            versions=carried.versions,
            before=None,
        )
        label = request.image_label or time.strftime("%Y%m%d%H%M%S", time.gmtime())
        return PackagePlan(
            location=f"{request.image_name or wish.name}:{label}",
            spec=replace(spec, model_dir=model_dir(source.models)),
            source=source,
            environment=environment,
        )

    async def delivery(self, target: str = "") -> Delivery:
        """Where images are built: on a target, else on the only one with an engine, else here.

        Raises:
            InvalidInput: more than one target could be meant.
        """
        with_engine = [one.name for one in self._targets.list() if one.kind == _ENGINE]
        if not target and len(with_engine) > 1:
            raise InvalidInput(
                f"There are {len(with_engine)} targets with an engine: {', '.join(with_engine)}.",
                fix="Name one with --ct TARGET.",
            )
        chosen = target or next(iter(with_engine), "")
        if not chosen:
            return Delivery(engine=resolve({}))
        return await self._targets.open(chosen).delivery()

    async def build(
        self, plan: PackagePlan, delivery: Delivery
    ) -> AsyncGenerator[str | Image, None]:
        """Build the image; lines, then the image under its own name.

        Raises:
            BuildFailed: a step failed.
            PilothouseError: the engine refused or could not be reached.
        """
        with tempfile.TemporaryDirectory(prefix="pilothouse-package-") as folder:
            bundle = await asyncio.to_thread(
                stage_bundle, plan.source, Path(folder) / "app", self._registry.materialize
            )
            spec = replace(plan.spec, bundle=bundle)
            environment: Image | None = None
            async with aclosing(
                building.environment_image(delivery, plan.environment, spec)
            ) as items:
                async for item in items:
                    if isinstance(item, Image):
                        environment = item
                    else:
                        yield building.line_of(item)
            assert environment is not None, "a build ends with its image"
            work = building.service_image(delivery, environment, spec, tag=plan.location)
            async with aclosing(work) as items:
                async for item in items:
                    yield item if isinstance(item, Image) else building.line_of(item)

    def write(self, plan: PackagePlan, folder: Path) -> Path:
        """Write the Dockerfile with its context into a folder that is new or empty (blocking).

        Raises:
            InvalidInput: the folder holds something already.
        """
        from backends.images.containers.written import write_context

        if folder.exists() and any(folder.iterdir()):
            raise InvalidInput(f"{folder} is not empty.", fix="Name a folder that is new or empty.")
        with tempfile.TemporaryDirectory(prefix="pilothouse-package-") as staged:
            bundle = stage_bundle(plan.source, Path(staged) / "app", self._registry.materialize)
            spec = replace(plan.spec, bundle=bundle)
            return write_context(plan.environment, spec, folder)

    def _environment(self, name: str, version: str) -> Environment | None:
        return self._environments.find(name, version) or curated(name)


def _name(request: PackageRequest) -> str:
    if request.image_name:
        return derive_name([request.image_name])
    hints = [model.partition(":")[0] for model in request.models[:1]]
    return derive_name([*hints, "package"])
