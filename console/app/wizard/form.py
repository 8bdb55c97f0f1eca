"""The form: what was typed, the files it came from, and the configs that it makes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Generic

from msgspec import Struct, field
from msgspec.structs import replace

from backends.configs import building
from backends.configs.deployment_fields import compute_type, fields_for
from backends.configs.field import Field, Kind
from backends.configs.records import (
    ComputeType,
    CondaSpec,
    Config,
    DeploymentConfig,
    Environment,
    InferenceConfig,
    Problem,
)
from backends.secrecy import repr_without
from backends.services.naming import derive_name
from backends.services.records import DeployRequest
from backends.targets.catalog import TargetRecord, compute_word
from console.app.wizard import steps
from console.app.wizard.steps import Answers, Packages, Step
from console.present import plain


class Part(Struct, Generic[Config], frozen=True, kw_only=True):
    """One config file as it was last read."""

    path: str = ""
    """As typed, relative to the form's folder."""
    text: str | None = None
    """None: there is no such file. May hold keys."""
    config: Config | None = None
    """None: there is no file, or it has errors."""
    problems: tuple[Problem, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    """The form's texts as the file gave them, by field name."""

    def __repr__(self) -> str:
        """Leave out what may be secret."""
        return repr_without(self, "text", "said")


class Form(Struct, frozen=True, kw_only=True):
    """Everything that the wizard holds; each change makes another form."""

    values: Mapping[str, str]
    """Field name to text as typed; what is wrong stays as typed, too. May hold keys."""
    targets: Sequence[TargetRecord]
    services: frozenset[str] = frozenset()
    """Names that are taken."""
    environments: Sequence[str] = ()
    """Names of registered and curated environments."""
    images: bool = False
    """The chosen target runs images."""
    inference: Part[InferenceConfig] = field(default_factory=Part)
    deployment: Part[DeploymentConfig] = field(default_factory=Part)
    conda: Part[CondaSpec] = field(default_factory=Part)

    def __repr__(self) -> str:
        """Leave out what may be secret."""
        return repr_without(self, "values")

    def get(self, name: str) -> str:
        """What was typed; empty when nothing was."""
        return self.values.get(name, "")

    def fields(self, step: Step) -> tuple[Field, ...]:
        """The fields that a step shows now."""
        return steps.fields_of(step, self.values, self.compute, images=self.images)

    def typed(self, **values: str) -> "Form":
        """The form with other texts, safe to draw, and what follows from them."""
        values = {name: _drawable(text) for name, text in values.items()}
        merged = {**self.values, **values}
        derived = self.get("service_name") in {"", _name_of(self.get("models"))}
        if "models" in values and derived and not values.get("service_name"):
            merged["service_name"] = _name_of(values["models"])
        if merged.get("packages") == Packages.CONDA:
            merged["runtime"] = merged.get("runtime") or "python"
            merged["conda_file"] = merged.get("conda_file") or "myenv.yml"
        taken = merged.get("service_name", "") in self.services
        merged["overwrite"] = (merged.get("overwrite") or "false") if taken else ""
        return replace(self, values=merged)

    @property
    def models(self) -> tuple[str, ...]:
        """The models named, one a line as typed."""
        return tuple(line.strip() for line in self.get("models").splitlines() if line.strip())

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return Path(self.get("folder") or ".").expanduser().absolute()

    @property
    def target(self) -> TargetRecord | None:
        """The chosen target; None when the compute type of a file has none attached."""
        return next((known for known in self.targets if known.name == self.get("target")), None)

    @property
    def compute(self) -> ComputeType:
        """The chosen target's compute type; a target that is not there is written `=TYPE`."""
        target = self.target
        kind = compute_word(target.kind) if target else self.get("target").removeprefix("=")
        return compute_type(kind) or ComputeType.PROCESS

    def inference_config(self) -> InferenceConfig | None:
        """What the inference config says; None for a model that answers alone."""
        if self.get("answers") != Answers.SCRIPT:
            return None
        rows = list(steps.ENTRY)
        packages = self.get("packages")
        if packages in {Packages.SERVER, Packages.CONDA}:
            rows += [*steps.IMAGE, steps.RUNTIME]
        if packages == Packages.CONDA:
            rows.append(steps.CONDA_FILE)
        return InferenceConfig(
            **building.arguments(self._converted(rows)), environment=self._environment()
        )

    def deployment_config(self) -> DeploymentConfig:
        """What the deployment config says; what can't be typed is kept from the file."""
        kept, compute = self.deployment.config, self.compute
        values = self._converted(steps.deployment_fields(compute))
        if kept is not None and kept.compute_type is compute:
            raw = (row.attribute for row in fields_for(compute) if row.kind is Kind.RAW)
            values |= {attribute: building.value_at(kept, attribute) for attribute in raw}
        if kept is not None and kept.compute_target and self.target:
            values["compute_target"] = self.target.name
        values["compute_type"] = compute
        return DeploymentConfig(**building.arguments(values))

    def conda_spec(self) -> CondaSpec | None:
        """What the conda file says; None when there is none to write."""
        if self.get("packages") != Packages.CONDA or self.get("answers") != Answers.SCRIPT:
            return None
        return self._conda(self.conda.config)

    def request(self) -> DeployRequest:
        """The wish that the plan is made from."""
        deployment, alike = self.deployment_config(), 0
        if self.target is not None:
            alike = sum(known.kind == self.target.kind for known in self.targets)
        inference = self.inference_config()
        said = deployment != DeploymentConfig(compute_type=deployment.compute_type)
        return DeployRequest(
            name=self.get("service_name").strip(),
            models=self.models,
            inference=inference,
            deployment=deployment,
            inference_file=self.get("inference_file") if inference else "",
            deployment_file=self.get("deployment_file") if said else "",
            target=self.target.name if self.target and alike > 1 else "",
            base="" if self.get("folder") in {"", "."} else str(self.folder),
            overwrite=self.get("overwrite") == "true",
        )

    def _environment(self) -> Environment | None:
        kept = self.inference.config.environment if self.inference.config else None
        name = self.get("environment_name").strip()
        match self.get("packages"):
            case Packages.NAMED:
                version = self.get("environment_version").strip()
                return Environment(name=name, version=version, reference=True)
            case Packages.INLINE:
                kept = kept if kept and not kept.reference else Environment()
                blank: dict[str, object] = {"variables": {}, "base_image": ""}
                said = blank | self._converted((steps.VARIABLES, steps.INLINE_IMAGE))
                return replace(kept, name=name, conda=self._conda(kept.conda), **said)
        return None

    def _conda(self, kept: CondaSpec | None) -> CondaSpec | None:
        said = self._converted((steps.CONDA_PACKAGES, steps.PIP_PACKAGES))
        packages, pip = said.get("conda_packages", ()), said.get("pip_packages", ())
        if kept is None and not packages and not pip and self.get("packages") == Packages.INLINE:
            return None
        return replace(kept or CondaSpec(), packages=packages, pip=pip)

    def _converted(self, rows: Sequence[Field]) -> dict[str, object]:
        """Values by attribute of those fields whose text is right and says something."""
        return {
            row.attribute: row.convert(self.get(row.name))
            for row in rows
            if self.get(row.name).strip() and row.check(self.get(row.name)) is None
        }


def _drawable(text: str) -> str:
    return "\n".join(plain(line) for line in text.split("\n"))


def _name_of(models: str) -> str:
    first = models.strip().partition("\n")[0]
    return derive_name([first.partition(":")[0]]) if first else ""
