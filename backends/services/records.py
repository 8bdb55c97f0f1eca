"""What services are asked for, what they yield, and what is stored of them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from backends.configs.records import DeploymentConfig, InferenceConfig
from backends.errors import PilothouseError
from backends.targets.records import (
    Evidence,
    Preflight,
    ServiceSpec,
    ServiceState,
)

if TYPE_CHECKING:
    from backends.images.bundle import BundleSource
    from backends.images.environment import EnvironmentPlan


class DeployRequest(Struct, frozen=True, kw_only=True):
    """A wish to deploy or update, before it is checked."""

    name: str = ""
    """Empty: derived from the first model or the source directory."""
    models: tuple[str, ...] = ()
    """`name`, `name:version`, or a local path (version 0)."""
    inference: InferenceConfig | None = None
    deployment: DeploymentConfig | None = None
    inference_file: str = ""
    """Where `inference` was read, for the command line shown and the record."""
    deployment_file: str = ""
    target: str = ""
    """Name of an attached target; empty: the one that `computeType` means by itself."""
    base: str = ""
    """Folder that relative paths in `inference` start from; empty: the current directory."""
    overwrite: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    remove_tags: tuple[str, ...] = ()
    """Tags that an update takes away; `tags` are added to what is there."""
    description: str = ""


class Stage(StrEnum):
    """Stages of a deployment, in order."""

    CHECK = "check"
    BUNDLE = "bundle"
    ENVIRONMENT = "environment"
    IMAGE = "image"
    APPLY = "apply"
    START = "start"


class PlanStep(Struct, frozen=True, kw_only=True):
    """One thing that will be done."""

    stage: Stage
    action: str
    """reuse, build, create, replace, keep."""
    detail: str
    usual_seconds: float | None = None
    """Median of earlier runs of this stage for this service, else of any."""


class Change(Struct, frozen=True, kw_only=True):
    """A difference between what runs and what will run."""

    field: str
    before: str
    after: str


class Plan(Struct, frozen=True, kw_only=True):
    """What will be made, shown before it is run."""

    request: DeployRequest
    spec: ServiceSpec
    kind: str
    """create, update, replace, rollback."""
    inference: InferenceConfig | None
    """In force after the plan: the request's, else the one that runs."""
    deployment: DeploymentConfig
    source: "BundleSource"
    environment: "EnvironmentPlan | None"
    """None keeps the interpreter of `spec`."""
    steps: tuple[PlanStep, ...]
    changes: tuple[Change, ...]
    preflight: tuple[Preflight, ...]
    command: str
    """The command line that does the same."""
    notes: tuple[str, ...] = ()
    """What was chosen on the user's behalf (a derived name, a default environment)."""

    @property
    def blocked(self) -> tuple[Preflight, ...]:
        """The failed checks that forbid going on."""
        return tuple(check for check in self.preflight if check.blocking and not check.ok)


class Transition(Struct, frozen=True, kw_only=True):
    """One stored change of a service: a state, or something done to it."""

    service: str
    at: float
    """Seconds since the epoch."""
    kind: str
    """state, deploy, update, rollback, stop, start, keys, delete."""
    state: ServiceState
    reason: str
    revision: int | None
    actor: str = ""
    """Who did it; empty for a state that came by itself."""
    evidence: Evidence = field(default_factory=Evidence)
    phase: str = ""


class StageTiming(Struct, frozen=True, kw_only=True):
    """One stage of one revision's deployment, as stored for the timeline."""

    revision: int
    stage: Stage
    started: float
    seconds: float
    detail: str


class Revision(Struct, frozen=True, kw_only=True):
    """One applied spec of a service."""

    number: int
    created: float
    actor: str
    spec: ServiceSpec
    inference: InferenceConfig | None
    deployment: DeploymentConfig | None
    """Without its keys."""
    note: str = ""
    """`deploy`, `update`, `rollback to r3`."""


class Service(Struct, frozen=True, kw_only=True):
    """A service as the workspace knows it: the last observation and what is deployed."""

    name: str
    target: str
    compute_type: str
    created: float
    updated: float
    state: ServiceState
    reason: str
    seen: float
    """When `state` was last observed."""
    reachable: bool
    """False: the target does not answer, `state` is the last known."""
    url: str | None
    spec: ServiceSpec
    serving: int | None = None
    rolling_out: int | None = None
    ready: int = 0
    wanted: int = 1
    evidence: Evidence = field(default_factory=Evidence)
    phase: str = ""

    @property
    def scoring_uri(self) -> str | None:
        """Where requests are posted, when there is an address."""
        return f"{self.url}/score" if self.url else None


class StageStarted(Struct, frozen=True, kw_only=True):
    """A stage began."""

    stage: Stage
    detail: str
    at: float
    usual_seconds: float | None = None


class StageOutput(Struct, frozen=True, kw_only=True):
    """One line of a stage's own output (a package installed, a layer built)."""

    stage: Stage
    line: str


class StageStep(Struct, frozen=True, kw_only=True):
    """One step of a stage that has several (of an image's build) began or ended well."""

    stage: Stage
    number: int
    title: str
    at: float
    """When it was told, seconds since the epoch."""
    seconds: float | None = None
    """How long it took; None: it began."""
    size: int = 0
    """Bytes that its layer added."""
    cached: bool = False
    """It was made before."""


class StageFinished(Struct, frozen=True, kw_only=True):
    """A stage ended well."""

    stage: Stage
    detail: str
    seconds: float


class StateChanged(Struct, frozen=True, kw_only=True):
    """The service changed state or phase."""

    transition: Transition


class Finished(Struct, frozen=True, kw_only=True):
    """The last event of a run that reached its goal."""

    service: Service


class RunFailed(Struct, frozen=True, kw_only=True):
    """The last event of a run that did not; whatever served before still serves."""

    stage: Stage
    error: PilothouseError
    service: Service | None


Event = StageStarted | StageOutput | StageStep | StageFinished | StateChanged | Finished | RunFailed
