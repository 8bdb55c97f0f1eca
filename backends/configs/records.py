"""What the config files say, after parsing; formats of Azure ML v1's files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct, field

from backends.configs.compute_type import ComputeType
from backends.configs.problem import Problem, Severity
from backends.secrecy import repr_without
from backends.targets.records import Resources

__all__ = [
    "AutoScale",
    "ComputeType",
    "CondaSpec",
    "DeploymentConfig",
    "Environment",
    "ImageRegistry",
    "InferenceConfig",
    "Parsed",
    "Probe",
    "Problem",
    "Severity",
    "Tls",
]

Config = TypeVar("Config")


class CondaSpec(Struct, frozen=True, kw_only=True):
    """A conda file."""

    name: str = "project_environment"
    channels: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    """conda's own entries, as written (`python=3.8`, `numpy`)."""
    pip: tuple[str, ...] = ()
    """Requirements and pip options, as written."""
    variables: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""

    @property
    def python(self) -> str | None:
        """The version that the file pins (`3.6.2`), or None."""
        for entry in self.packages:
            name, _, pin = entry.replace("==", "=").partition("=")
            if name.strip() == "python" and pin:
                return pin.strip().split("=")[0].rstrip("*").rstrip(".")
        return None


class ImageRegistry(Struct, frozen=True, kw_only=True):
    """Where a base image is pulled from; the password stays in memory only."""

    address: str = ""
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        """Leave out what may be secret."""
        return repr_without(self, "password")


class Environment(Struct, frozen=True, kw_only=True):
    """The packages and variables a model needs."""

    name: str = ""
    version: str = ""
    reference: bool = False
    """Only name (and version) were given: a registered or curated environment is meant."""
    variables: Mapping[str, str] = field(default_factory=dict)
    user_managed: bool = False
    interpreter: str = "python"
    conda: CondaSpec | None = None
    conda_file: str = ""
    """Relative to the source directory; stands in place of `conda`."""
    base_image: str = ""
    base_dockerfile: str = ""
    image_registry: ImageRegistry = field(default_factory=ImageRegistry)
    docker_arguments: tuple[str, ...] = ()
    shm_size: str = ""
    inferencing_stack_version: str = ""
    other: Mapping[str, object] = field(default_factory=dict)
    """Sections kept as written and where they were (`docker.platform` is under `docker`), so that
    emitting loses nothing: spark, databricks, r, …"""


class InferenceConfig(Struct, frozen=True, kw_only=True):
    """Entry script and environment."""

    entry_script: str = ""
    """Relative to `source_directory` when given."""
    source_directory: str = ""
    """Relative to the current directory; empty when none was given."""
    environment: Environment | None = None
    runtime: str = ""
    conda_file: str = ""
    extra_docker_steps: str = ""
    enable_gpu: bool | None = None
    cuda_version: str = ""
    base_image: str = ""
    image_registry: ImageRegistry = field(default_factory=ImageRegistry)
    description: str = ""


class AutoScale(Struct, frozen=True, kw_only=True):
    """`autoScaler` of an AKS deployment; None means not said."""

    enabled: bool | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None
    refresh_seconds: int | None = None
    target_utilization: int | None = None


class Probe(Struct, frozen=True, kw_only=True):
    """`livenessProbeRequirements`; None means not said."""

    period_seconds: int | None = None
    initial_delay_seconds: int | None = None
    timeout_seconds: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None


class Tls(Struct, frozen=True, kw_only=True):
    """`sslEnabled` and its files."""

    enabled: bool = False
    certificate: str = ""
    key: str = ""
    cname: str = ""


class DeploymentConfig(Struct, frozen=True, kw_only=True):
    """What the target needs to host a service; None means not said, the target's default holds."""

    compute_type: ComputeType
    resources: Resources = field(default_factory=Resources)
    port: int | None = None
    auth_enabled: bool | None = None
    token_auth_enabled: bool | None = None
    primary_key: str = ""
    secondary_key: str = ""
    app_insights: bool | None = None
    collect_data: bool | None = None
    scoring_timeout_ms: int | None = None
    concurrency: int | None = None
    queue_wait_ms: int | None = None
    replicas: int | None = None
    autoscale: AutoScale = field(default_factory=AutoScale)
    probe: Probe = field(default_factory=Probe)
    tls: Tls = field(default_factory=Tls)
    namespace: str = ""
    compute_target: str = ""
    location: str = ""
    dns_name_label: str = ""
    vnet_name: str = ""
    subnet_name: str = ""
    vault_base_url: str = ""
    key_name: str = ""
    key_version: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)
    """IoT sections as written: amlModule, routes, externalModules, acrCredentials, iotDeviceId."""

    def __repr__(self) -> str:
        """Leave out what may be secret."""
        return repr_without(self, "primary_key", "secondary_key", "extra")


class Parsed(Struct, Generic[Config], frozen=True, kw_only=True):
    """A parsed file: the config when it has no error, and every problem found."""

    config: Config | None
    problems: tuple[Problem, ...]
    path: Path | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that forbid use."""
        return tuple(p for p in self.problems if p.severity is Severity.ERROR)
