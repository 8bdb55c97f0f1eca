"""What ships: one record a model version, read from the manifest beside the files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from backends.registry.records import Framework, ModelVersion, Registration

if TYPE_CHECKING:
    from backends.registry.registry import Registry

FOLDER = Path(__file__).with_name("models")
"""The shipped files; every path of the manifest is relative to it."""


class DemoModel(Struct, frozen=True, kw_only=True):
    """One model version that ships with the project."""

    name: str
    path: Path
    """What is registered: a file or a folder."""
    framework: Framework
    framework_version: str
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str
    """What it does, what it was trained on, and how well it does on data it has not seen."""
    folder: Path
    """Where its configs are written to be used from: their relative paths start here."""
    sample_input: Path
    """A request body that it answers."""
    sample_output: Path
    """The answer; parts that differ from call to call are left out."""
    inference_config: Path | None = None
    """None: a no-code model."""
    deployment_config: Path

    @property
    def registration(self) -> Registration:
        """The request that registers it, sample input and output included."""
        return Registration(
            name=self.name,
            path=str(self.path),
            description=self.description,
            framework=self.framework,
            framework_version=self.framework_version,
            tags=self.tags,
            sample_input=self.sample_input.read_text(encoding="utf-8"),
            sample_output=self.sample_output.read_text(encoding="utf-8"),
        )


def demo_models() -> tuple[DemoModel, ...]:
    """Every shipped version; versions of one model are in order, oldest first."""
    rows = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return tuple(_model(row) for row in rows)


def register_demo(registry: "Registry") -> tuple[ModelVersion, ...]:
    """Register the shipped versions that are not held yet, going by tags and description.

    Returns:
        The version of each, in the manifest's order, whether it was new or not.
    """
    return tuple(
        _held(registry, model) or registry.register(model.registration) for model in demo_models()
    )


def _held(registry: "Registry", model: DemoModel) -> ModelVersion | None:
    for row in registry.versions(model.name):
        if row.tags == model.tags and row.description == model.description:
            return registry.get(row.name, row.version)
    return None


def _model(row: Mapping[str, Any]) -> DemoModel:
    inference = row.get("inferenceConfig")
    return DemoModel(
        name=row["name"],
        path=FOLDER / row["path"],
        framework=Framework(row["framework"]),
        framework_version=row["frameworkVersion"],
        tags=row["tags"],
        description=row["description"],
        folder=FOLDER / row["folder"],
        sample_input=FOLDER / row["sampleInput"],
        sample_output=FOLDER / row["sampleOutput"],
        inference_config=FOLDER / inference if inference else None,
        deployment_config=FOLDER / row["deploymentConfig"],
    )
