"""Settings of a cluster as a target: which one, where in it, and how services are reached."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct, convert

from backends.errors import InvalidInput


class Expose(StrEnum):
    """Type of the Kubernetes Service."""

    CLUSTER = "ClusterIP"
    NODE = "NodePort"
    BALANCER = "LoadBalancer"


class Settings(Struct, frozen=True, kw_only=True):
    """What `computetarget attach` keeps of a cluster; never a secret."""

    kubeconfig: str = ""
    """Files, separated as in `KUBECONFIG`; empty is that variable, then `~/.kube/config`."""
    context: str = ""
    """Empty is the file's current one; `in-cluster` is the pod's own account."""
    namespace: str = ""
    """Empty is `azureml-<workspace>`, as v1 named it."""
    push_to: str = ""
    """Registry and path that images are pushed to; empty where nodes run the builder's images."""
    pull_from: str = ""
    """The same registry as the nodes name it; empty is `push_to`."""
    builder: str = ""
    """Address of the Docker engine that builds images; empty is found as for a Docker target."""
    pull_secret: str = ""
    """Name of a Secret of the namespace that the registry asks for."""
    expose: Expose = Expose.CLUSTER
    ingress_host: str = ""
    """An Ingress is made for this host name."""
    ingress_class: str = ""
    tls_secret: str = ""
    """Name of the Secret with the Ingress's certificate."""
    network_policy: bool = False
    """Let only pods of the namespace, and the Ingress's, reach a service."""
    node_selector: tuple[tuple[str, str], ...] = ()
    """`key=value` pairs, separated by commas."""
    tolerations: tuple[str, ...] = ()
    """`key[=value][:effect]`, separated by commas."""
    accelerator: str = "nvidia.com/gpu"
    """The extended resource that `gpuCores` asks for."""
    resource_id: str = ""
    """ARM id that the cluster was attached by: its last word is the context's name, as
    `az aks get-credentials` calls it; nothing is asked of Azure."""
    purpose: str = ""
    """`FastProd` or `DevTest`; empty checks nothing."""

    @property
    def guessed_context(self) -> str:
        """The context that the ARM id names; empty without one."""
        return self.resource_id.rstrip("/").rpartition("/")[2]


def read_settings(said: Mapping[str, str]) -> Settings:
    """A target's settings.

    Raises:
        InvalidInput: one is unknown or has no such value.
    """
    known = Settings.__struct_fields__
    for name in said.keys() - known:
        raise InvalidInput(
            f"A cluster has no setting '{name}'.", fix=f"Settings: {', '.join(sorted(known))}."
        )
    values = {name: _READERS.get(name, str)(text) for name, text in said.items()}
    return convert(values, Settings)


def _expose(text: str) -> Expose:
    for kind in Expose:
        if text.lower() in {kind.value.lower(), kind.name.lower()}:
            return kind
    allowed = ", ".join(Expose)
    raise InvalidInput(f"expose '{text}' is no type of Service.", fix=f"It is one of {allowed}.")


def _switch(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise InvalidInput(f"network_policy is '{text}'.", fix="It is true or false.")
    return text.lower() == "true"


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    found = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    return tuple((name.strip(), value.strip()) for name, _, value in found)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


_READERS: Mapping[str, Callable[[str], object]] = {
    "expose": _expose,
    "network_policy": _switch,
    "node_selector": _pairs,
    "tolerations": _words,
}
