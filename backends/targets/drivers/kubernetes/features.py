"""What a cluster has, by discovery: never by the version that it calls itself."""

from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.objects import Features

_AUTOSCALING = ("autoscaling/v2", "autoscaling/v2beta2", "autoscaling/v1")
_DISRUPTION = ("policy/v1", "policy/v1beta1")


async def features(api: Api) -> Features:
    """Versions of APIs that the cluster has."""
    found = await api.get("tell what it has", "/apis")
    versions = {
        str(version["groupVersion"])
        for group in found.get("groups") or ()
        for version in group.get("versions") or ()
    }
    return Features(
        autoscaling=next((one for one in _AUTOSCALING if one in versions), "autoscaling/v1"),
        disruption=next((one for one in _DISRUPTION if one in versions), ""),
    )
