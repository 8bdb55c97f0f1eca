"""The table of a deployment config's fields, for every compute type."""

from msgspec.structs import replace

from backends.configs.cloud_fields import ACI_FIELDS, IOT_FIELDS, VAULT_FIELDS
from backends.configs.cluster_fields import NAMESPACE, PROBE_FIELDS, SCALING_FIELDS
from backends.configs.compute_type import ComputeType
from backends.configs.field import Field, Kind

_PROCESS = frozenset({ComputeType.PROCESS})
_LOCAL = frozenset({ComputeType.LOCAL})
_ACI = frozenset({ComputeType.ACI})
_AKS = frozenset({ComputeType.AKS})
_SERVED = _PROCESS | _ACI | _AKS
_QUEUED = _PROCESS | _AKS

COMPUTE_TYPES = {
    "process": ComputeType.PROCESS,
    "local": ComputeType.LOCAL,
    "aci": ComputeType.ACI,
    "aks": ComputeType.AKS,
    "kubernetes": ComputeType.AKS,
    "iot": ComputeType.IOT,
}
"""Every word that `computeType` takes, in any case."""


def compute_type(word: str) -> ComputeType | None:
    """Return the compute type that a word names, in any case; None when it names none."""
    return COMPUTE_TYPES.get(word.strip().casefold())


def fields_for(kind: ComputeType) -> tuple[Field, ...]:
    """Return the deployment fields that apply to a compute type, in file order."""
    return tuple(field for field in DEPLOYMENT_FIELDS if kind in field.computes)


COMPUTE_TYPE = Field(
    name="compute_type",
    attribute="compute_type",
    key="computeType",
    flags=("--cp", "--compute-type"),
    choices=tuple(COMPUTE_TYPES),
    required=True,
    help="Where the service runs: a process here, Docker (local), ACI, Kubernetes (aks), IoT Edge.",
)

_ACCESS = (
    Field(
        name="port",
        attribute="port",
        key="port",
        kind=Kind.INTEGER,
        default="a free one",
        flags=("--po", "--port"),
        computes=_PROCESS | _LOCAL,
        minimum=0,
        maximum=65535,
        allows="a whole number from 1 to 65535, or 0 for a free one",
        help="Port on this machine where requests are answered.",
    ),
    Field(
        name="collect_model_data",
        attribute="collect_data",
        key="dataCollection.storageEnabled",
        kind=Kind.SWITCH,
        default="false",
        flags=("--md", "--collect-model-data"),
        computes=_QUEUED,
        help="Keep what the model was asked and what it answered.",
    ),
    Field(
        name="auth_enabled",
        attribute="auth_enabled",
        key="authEnabled",
        kind=Kind.SWITCH,
        default="true",
        flags=("--ae", "--auth-enabled"),
        computes=_AKS,
        help="Requests must carry one of the service's keys.",
    ),
    Field(
        name="token_auth_enabled",
        attribute="token_auth_enabled",
        key="tokenAuthEnabled",
        kind=Kind.SWITCH,
        default="false",
        flags=("--token-auth-enabled",),
        computes=_AKS,
        help="Requests must carry a token; not together with keys.",
    ),
)

_CPU_AND_MEMORY = (
    Field(
        name="cpu_cores",
        attribute="resources.cpu",
        key="containerResourceRequirements.cpu",
        kind=Kind.NUMBER,
        default="0.1",
        flags=("--cc", "--cpu-cores"),
        computes=_ACI | _AKS,
        above=0,
        help="Cores that one replica asks for.",
    ),
    Field(
        name="memory_gb",
        attribute="resources.memory_gb",
        key="containerResourceRequirements.memoryInGB",
        kind=Kind.NUMBER,
        default="0.5",
        flags=("--gb", "--memory-gb"),
        computes=_ACI | _AKS,
        above=0,
        help="Memory that one replica asks for, in GB.",
    ),
)

_RESOURCES = (
    *(replace(row, default="not limited", computes=_PROCESS) for row in _CPU_AND_MEMORY),
    *_CPU_AND_MEMORY,
    Field(
        name="cpu_cores_limit",
        attribute="resources.cpu_limit",
        key="containerResourceRequirements.cpuLimit",
        kind=Kind.NUMBER,
        flags=("--ccl", "--cpu-cores-limit"),
        computes=_QUEUED,
        above=0,
        help="Most cores that one replica may use; not below cpu.",
    ),
    Field(
        name="memory_gb_limit",
        attribute="resources.memory_gb_limit",
        key="containerResourceRequirements.memoryInGBLimit",
        kind=Kind.NUMBER,
        flags=("--gbl", "--memory-gb-limit"),
        computes=_QUEUED,
        above=0,
        help="Most memory that one replica may use, in GB; not below memoryInGB.",
    ),
    Field(
        name="gpu_cores",
        attribute="resources.gpu",
        key="gpuCores",
        kind=Kind.INTEGER,
        default="0",
        flags=("--gc", "--gpu-cores"),
        computes=_AKS,
        minimum=0,
        help="GPUs of one replica; they are not shared.",
    ),
)

_REQUESTS = (
    Field(
        name="enable_app_insights",
        attribute="app_insights",
        key="appInsightsEnabled",
        kind=Kind.SWITCH,
        default="false",
        flags=("--ai", "--enable-app-insights"),
        computes=_ACI | _AKS,
        help="Send telemetry to Application Insights.",
    ),
    Field(
        name="scoring_timeout_ms",
        attribute="scoring_timeout_ms",
        key="scoringTimeoutMs",
        kind=Kind.INTEGER,
        default="60000",
        flags=("--tm", "--scoring-timeout-ms"),
        computes=_QUEUED,
        above=0,
        help="Longest run() in milliseconds; then the answer is 504.",
    ),
    Field(
        name="replica_max_concurrent_requests",
        attribute="concurrency",
        key="maxConcurrentRequestsPerContainer",
        kind=Kind.INTEGER,
        default="1",
        flags=("--rm", "--replica-max-concurrent-requests"),
        computes=_QUEUED,
        above=0,
        help="Requests that one replica takes at once.",
    ),
    Field(
        name="max_request_wait_time",
        attribute="queue_wait_ms",
        key="maxQueueWaitMs",
        kind=Kind.INTEGER,
        default="500",
        flags=("--mr", "--max-request-wait-time"),
        computes=_AKS,
        above=0,
        help="Longest wait for a free replica in milliseconds; then the answer is 503.",
    ),
    Field(
        name="max_request_wait_time",
        attribute="queue_wait_ms",
        key="maxQueueWaitMs",
        kind=Kind.INTEGER,
        default="60000",
        flags=("--mr", "--max-request-wait-time"),
        computes=_PROCESS,
        above=0,
        help="Longest wait for a free worker in milliseconds, else scoringTimeoutMs; then 503.",
    ),
    Field(
        name="num_replicas",
        attribute="replicas",
        key="numReplicas",
        kind=Kind.INTEGER,
        default="1",
        flags=("--nr", "--num-replicas"),
        computes=_PROCESS,
        above=0,
        help="Worker processes.",
    ),
    Field(
        name="num_replicas",
        attribute="replicas",
        key="numReplicas",
        kind=Kind.INTEGER,
        flags=("--nr", "--num-replicas"),
        computes=_AKS,
        minimum=0,
        allows="a whole number above 0; 0 leaves it to the autoscaler",
        help="Fixed number of replicas; not together with autoscaling.",
    ),
    Field(
        name="primary_key",
        attribute="primary_key",
        key="keys.primaryKey",
        default="generated",
        flags=("--kp", "--primary-key"),
        computes=_SERVED,
        secret=True,
        help="First key of the service.",
    ),
    Field(
        name="secondary_key",
        attribute="secondary_key",
        key="keys.secondaryKey",
        default="generated",
        flags=("--ks", "--secondary-key"),
        computes=_SERVED,
        secret=True,
        help="Second key of the service.",
    ),
)


_COMMON = (
    Field(
        name="compute_target",
        attribute="compute_target",
        key="computeTargetName",
        flags=("--ct", "--compute-target"),
        help="Attached target to deploy to.",
    ),
    Field(
        name="tags",
        attribute="tags",
        key="tags",
        kind=Kind.TABLE,
        flags=("--tag",),
        help="Tags of the service.",
    ),
    Field(
        name="properties",
        attribute="properties",
        key="properties",
        kind=Kind.TABLE,
        flags=("--property",),
        help="Properties of the service; they never change once set.",
    ),
    Field(
        name="description",
        attribute="description",
        key="description",
        flags=("--description",),
        help="What the service is for.",
    ),
)

DEPLOYMENT_FIELDS = (
    COMPUTE_TYPE,
    *SCALING_FIELDS,
    *_ACCESS,
    *_RESOURCES,
    *ACI_FIELDS,
    *VAULT_FIELDS,
    *_REQUESTS,
    *PROBE_FIELDS,
    *IOT_FIELDS,
    NAMESPACE,
    *_COMMON,
)
