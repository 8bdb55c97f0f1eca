"""Services as Deployments of a Kubernetes cluster: see `driver`."""

from backends.targets.drivers.kubernetes.driver import KubernetesDriver

__all__ = ["KubernetesDriver"]
