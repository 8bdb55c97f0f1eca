"""The compute types. Light: the field table, and so `--help`, imports them."""

from enum import StrEnum


class ComputeType(StrEnum):
    """`computeType` of a deployment config."""

    PROCESS = "process"
    LOCAL = "local"
    ACI = "aci"
    AKS = "aks"
    IOT = "iot"
