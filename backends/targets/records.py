"""What crosses between a target's driver and everything else."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, field


class ServiceState(StrEnum):
    """A service's state as Azure ML v1 names and means it, and `Stopped`."""

    TRANSITIONING = "Transitioning"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    UNSCHEDULABLE = "Unschedulable"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def final(self) -> bool:
        """Nothing more changes without someone acting."""
        return self in {ServiceState.HEALTHY, ServiceState.FAILED, ServiceState.STOPPED}


class Evidence(Struct, frozen=True, kw_only=True):
    """Why a state is what it is: kept with the transition, shown on the failure card."""

    stage: str = ""
    """Where it happened: environment, container, import, init, warm-up, run, health."""
    exit_code: int | None = None
    """The process's exit code; a negative one is the signal that ended it."""
    out_of_memory: bool = False
    traceback: str = ""
    last_lines: tuple[str, ...] = ()
    """The log's last lines before the event, oldest first."""
    model_tree: tuple[str, ...] = ()
    """The model directory as the entry script saw it, a path a line."""
    event: str = ""
    """The target's own words: an event, an inspect field."""


class Status(Struct, frozen=True, kw_only=True):
    """One observation of one service."""

    service: str
    state: ServiceState
    reason: str
    """The deepest reason that the target gives, one sentence."""
    at: float
    """When it was observed, seconds since the epoch."""
    serving: int | None = None
    """The revision that answers requests now, if any."""
    rolling_out: int | None = None
    """The revision that is being brought up, if any."""
    ready: int = 0
    """Replicas that answer."""
    wanted: int = 1
    evidence: Evidence = field(default_factory=Evidence)
    phase: str = ""
    """Finer than the state while it is Transitioning: importing, init, warm-up, draining."""


class Stream(StrEnum):
    """Where a log line came from."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SERVER = "server"


class LogLine(Struct, frozen=True, kw_only=True):
    """One line of one replica; `text` is as the target gave it: strip it before drawing."""

    time: float
    """Seconds since the epoch."""
    sequence: int
    """Counts up by one within one boot of one replica; a jump is a loss."""
    boot: str
    """Identity of the replica's process life."""
    replica: str
    stream: Stream
    level: str
    """DEBUG, INFO, WARNING, ERROR or CRITICAL."""
    text: str
    request_id: str = ""
    duration_ms: float | None = None
    """For a request's access line: how long it took."""


class Gap(Struct, frozen=True):
    """Lines may be missing here."""

    reason: str
    lost: int | None
    """How many, when the sequence tells."""


class StreamEnd(Struct, frozen=True):
    """The last item of every stream: why it ended."""

    reason: str


class LogQuery(Struct, frozen=True, kw_only=True):
    """Which lines of a service's log."""

    since: float | None = None
    """Seconds since the epoch; None is from the beginning."""
    tail: int | None = None
    """Only the last so many of what is there already."""
    follow: bool = False
    previous: bool = False
    """The process life before the present one."""


class Resources(Struct, frozen=True, kw_only=True):
    """What one replica asks for."""

    cpu: float | None = None
    """Cores."""
    memory_gb: float | None = None
    """GB of 10^9 bytes."""
    gpu: int | None = None
    cpu_limit: float | None = None
    memory_gb_limit: float | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """How requests are admitted and how long they may take."""

    concurrency: int = 1
    """Requests at once in one replica (`maxConcurrentRequestsPerContainer`)."""
    queue_wait_ms: int = 500
    """Longest wait for a free worker (`maxQueueWaitMs`), then 503."""
    scoring_timeout_ms: int = 60_000
    """Longest `run()` (`scoringTimeoutMs`), then 504."""
    init_seconds: float = 600.0
    """Longest import and `init()` together."""
    body_bytes: int = 100 * 1024 * 1024
    """Largest request body, then 413."""


class Autoscale(Struct, frozen=True, kw_only=True):
    """How the number of replicas follows the load (`autoScaler`), with v1's defaults."""

    minimum: int = 1
    maximum: int = 10
    utilization: int = 70
    """How busy replicas should be, percent."""
    refresh_seconds: int = 1
    """Seconds between two looks at the load."""


class Liveness(Struct, frozen=True, kw_only=True):
    """When a replica counts as dead (`livenessProbeRequirements`), with v1's defaults."""

    period_seconds: int = 10
    initial_delay_seconds: int = 310
    timeout_seconds: int = 2
    success_threshold: int = 1
    failure_threshold: int = 3


class Cluster(Struct, frozen=True, kw_only=True):
    """What only a cluster can follow."""

    namespace: str = ""
    """Empty is the target's own."""
    autoscale: Autoscale | None = None
    """None keeps the number of replicas fixed."""
    liveness: Liveness = field(default_factory=Liveness)


class ModelRef(Struct, frozen=True):
    """A model version that a service carries."""

    name: str
    version: int
    """0 for files that were never registered."""
    digest: str = ""
    """sha256 of the version's manifest, hex."""

    @property
    def id(self) -> str:
        """`name:version`."""
        return f"{self.name}:{self.version}"


class ServiceSpec(Struct, frozen=True, kw_only=True):
    """Everything a driver needs to run one revision of one service; holds no secret."""

    workspace: str
    name: str
    revision: int
    target: str
    models: tuple[ModelRef, ...] = ()
    bundle: Path | None = None
    """The app root laid out as the scoring server expects it: `azureml-models/…` and the source."""
    entry_script: str | None = None
    """Relative to `bundle`, with `/`; None for a no-code service."""
    source_directory: str | None = None
    """Relative to `bundle`; appended to `sys.path`."""
    builtin: str | None = None
    """No-code handler: onnx, sklearn, tensorflow."""
    model_dir: str = "azureml-models"
    """Relative to `bundle`: what AZUREML_MODEL_DIR names."""
    interpreter: Path | None = None
    """Python of the built environment, on this machine or in the image; None: the server's own."""
    image: str | None = None
    """Image of the built environment (container targets)."""
    environment_key: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    limits: Limits = field(default_factory=Limits)
    replicas: int = 1
    host: str = "127.0.0.1"
    port: int | None = None
    """None or 0: a free one, kept for the life of the service."""
    auth: bool = False
    """Requests need a key."""
    collect_data: bool = False
    cluster: Cluster | None = None
    """None on a target that is no cluster."""
    sample: str | None = None
    """A request body that warms a new worker before it takes traffic."""
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


class Keys(Struct, frozen=True):
    """Both keys of a service; either opens it."""

    primary: str
    secondary: str

    def __repr__(self) -> str:
        """Hide the keys from logs and tracebacks."""
        return "Keys(••••)"


class Endpoint(Struct, frozen=True, kw_only=True):
    """A way to call a service from this machine."""

    url: str
    """Base address without a trailing slash; `/score` follows it."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def scoring(self) -> str:
        """Where requests are posted."""
        return f"{self.url}/score"

    @property
    def swagger(self) -> str:
        """Where the schema is served."""
        return f"{self.url}/swagger.json"


class Observed(Struct, frozen=True, kw_only=True):
    """A service as its target holds it."""

    spec: ServiceSpec
    status: Status
    url: str | None = None
    """Base address when it has a direct one."""


class TargetInfo(Struct, frozen=True, kw_only=True):
    """What `check` found out about a reachable target."""

    version: str
    identity: str
    """Who or what it is: a host name, a cluster's server address."""
    cpus: float | None = None
    memory_gb: float | None = None
    disk_free_gb: float | None = None
    gpus: int = 0
    latency_ms: float = 0.0


class Preflight(Struct, frozen=True, kw_only=True):
    """One check before a revision is applied."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    blocking: bool = True


class Usage(Struct, frozen=True, kw_only=True):
    """What a service uses now."""

    at: float
    cpu_percent: float
    """Of one core: 200 is two cores busy."""
    memory_bytes: int
    processes: int
    memory_limit_bytes: int = 0
    """What it may use at most, all replicas together; 0 is not known or without a limit."""
    received_bytes: int | None = None
    """By its replicas over the network since they started; None is not measured."""
    sent_bytes: int | None = None


class Replica(Struct, frozen=True, kw_only=True):
    """One running instance of a service."""

    name: str
    """As its target calls it."""
    revision: int
    state: ServiceState
    reason: str
    role: str
    """What it does for the service: serving, coming or leaving."""
    since: float
    """When its present life began, seconds since the epoch; 0 before that."""
    restarts: int = 0


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a target can do; the interface asks these and never the kind."""

    log_push: bool
    log_resume_exact: bool
    state_push: bool
    exec: bool = False
    tunnel: bool = False
    scale: bool = False
    autoscale: bool = False
    stop: bool = False
    zero_loss_model_update: bool = False
    zero_loss_environment_update: bool = False
    rotate_keys_without_restart: bool = False
    log_outlives_stop: bool = True
    """What a service wrote before it was stopped can still be read."""
    gpu: bool = False
    capacity_known: bool = False
    usage: bool = False
    images: bool = False
    """Runs container images; False runs an interpreter of this machine."""
