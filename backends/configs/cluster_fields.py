"""Rows of the field table for clusters: scaling, probes, namespace."""

from backends.configs.compute_type import ComputeType
from backends.configs.field import Field, Kind

_AKS = frozenset({ComputeType.AKS})

SCALING_FIELDS = (
    Field(
        name="autoscale_enabled",
        attribute="autoscale.enabled",
        key="autoScaler.autoscaleEnabled",
        kind=Kind.SWITCH,
        default="true when numReplicas is not given",
        flags=("--as", "--autoscale-enabled"),
        computes=_AKS,
        help="Follow the load between minReplicas and maxReplicas; not together with numReplicas.",
    ),
    Field(
        name="autoscale_min_replicas",
        attribute="autoscale.min_replicas",
        key="autoScaler.minReplicas",
        kind=Kind.INTEGER,
        default="1",
        flags=("--mi", "--autoscale-min-replicas"),
        computes=_AKS,
        above=0,
        help="Fewest replicas; at most maxReplicas.",
    ),
    Field(
        name="autoscale_max_replicas",
        attribute="autoscale.max_replicas",
        key="autoScaler.maxReplicas",
        kind=Kind.INTEGER,
        default="10",
        flags=("--ma", "--autoscale-max-replicas"),
        computes=_AKS,
        above=0,
        help="Most replicas.",
    ),
    Field(
        name="autoscale_refresh_seconds",
        attribute="autoscale.refresh_seconds",
        key="autoScaler.refreshPeriodInSeconds",
        kind=Kind.INTEGER,
        default="1",
        flags=("--ar", "--autoscale-refresh-seconds"),
        computes=_AKS,
        above=0,
        help="Seconds between two looks at the load.",
    ),
    Field(
        name="autoscale_target_utilization",
        attribute="autoscale.target_utilization",
        key="autoScaler.targetUtilization",
        kind=Kind.INTEGER,
        default="70",
        flags=("--at", "--autoscale-target-utilization"),
        computes=_AKS,
        above=0,
        maximum=100,
        help="How busy replicas should be, in percent.",
    ),
)


def _probe(name: str, attribute: str, key: str, default: str, flag: str, help_: str) -> Field:
    return Field(
        name=name,
        attribute=f"probe.{attribute}",
        key=f"livenessProbeRequirements.{key}",
        kind=Kind.INTEGER,
        default=default,
        flags=(flag, f"--{name.replace('_', '-')}"),
        computes=_AKS,
        above=0,
        help=help_,
    )


PROBE_FIELDS = (
    _probe(
        "period_seconds",
        "period_seconds",
        "periodSeconds",
        "10",
        "--ps",
        "Seconds between two probes of a replica.",
    ),
    _probe(
        "initial_delay_seconds",
        "initial_delay_seconds",
        "initialDelaySeconds",
        "310",
        "--id",
        "Seconds before the first probe.",
    ),
    _probe(
        "timeout_seconds",
        "timeout_seconds",
        "timeoutSeconds",
        "2",
        "--ts",
        "Seconds until a probe counts as failed.",
    ),
    _probe(
        "success_threshold",
        "success_threshold",
        "successThreshold",
        "1",
        "--st",
        "Probes in a row that make a failed replica well again.",
    ),
    _probe(
        "failure_threshold",
        "failure_threshold",
        "failureThreshold",
        "3",
        "--ft",
        "Failed probes in a row that restart a replica.",
    ),
)

NAMESPACE = Field(
    name="namespace",
    attribute="namespace",
    key="namespace",
    default="the workspace's",
    flags=("--namespace",),
    computes=_AKS,
    pattern=r"[a-z0-9]([a-z0-9-]{,61}[a-z0-9])?",
    allows="lower-case letters, digits and inner hyphens, at most 63",
    help="Kubernetes namespace.",
)
