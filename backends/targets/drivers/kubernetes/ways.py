"""The roads to a cluster, for the form that attaches one, and what its settings may say."""

import re
from collections.abc import Mapping
from pathlib import Path

from backends.errors import InvalidInput, NotFound
from backends.targets.drivers.kubernetes.kubeconfig import IN_CLUSTER, context_names
from backends.targets.drivers.kubernetes.settings import Expose, read_settings
from backends.targets.ways import Setting, Way

_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ARM_ID = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.containerservice"
    r"/managedclusters/[^/]+/?",
    re.IGNORECASE,
)
_PURPOSES = ("", "FastProd", "DevTest")
_SHARED = (
    Setting(name="namespace", help="Where services go; azureml-<workspace> when left empty"),
    Setting(
        name="expose",
        help="How services are reached: inside only, at a port of the nodes, or by a balancer",
        choices=tuple(Expose),
    ),
    Setting(
        name="push_to",
        help="Registry and path for images; empty where the nodes run this engine's images",
        example="registry.example:5000/models",
    ),
    Setting(name="pull_from", help="The same registry as the nodes name it, where that differs"),
    Setting(name="ingress_host", help="Host name for an Ingress", example="models.example.com"),
    Setting(name="purpose", help="What Azure ML v1 checks of its size", choices=_PURPOSES),
)


def ways() -> tuple[Way, ...]:
    """All roads; the contexts offered are those of the usual kubeconfig (blocking)."""
    known = _usual_contexts()
    named = Setting(
        name="context",
        help="As `kubectl config get-contexts` names it",
        required=True,
        choices=known,
    )
    by_name = Way(
        name="context",
        title="kubeconfig context",
        help="A cluster that kubectl knows by name.",
        settings=(named, *_SHARED),
    )
    return (
        *((by_name,) if known else ()),
        Way(
            name="file",
            title="kubeconfig file",
            help="A cluster of another kubeconfig file.",
            settings=(
                Setting(name="kubeconfig", help="The file", required=True, path=True),
                Setting(name="context", help="One of its contexts; its current one when empty"),
                *_SHARED,
            ),
        ),
        Way(
            name="in-cluster",
            title="this pod's cluster",
            help="The cluster that this process runs in, with the account of its pod.",
            settings=_SHARED,
            fixed={"context": IN_CLUSTER},
        ),
    )


def check(said: Mapping[str, str]) -> None:
    """See whether they can name a cluster; nothing is connected.

    Raises:
        InvalidInput: a setting is not known or has no such value.
        NotFound: there is no such file or context.
    """
    settings = read_settings(said)
    if settings.namespace and not _NAMESPACE.fullmatch(settings.namespace):
        raise InvalidInput(
            f"'{settings.namespace}' cannot be a namespace.",
            fix="Use lower-case letters, digits and dashes, at most 63.",
        )
    if settings.resource_id and not _ARM_ID.fullmatch(settings.resource_id):
        raise InvalidInput(
            f"'{settings.resource_id}' is no ARM id of an AKS cluster.",
            fix="It reads /subscriptions/ID/resourceGroups/GROUP/providers"
            "/Microsoft.ContainerService/managedClusters/NAME (`az aks show --query id`).",
        )
    if settings.purpose.lower() not in {one.lower() for one in _PURPOSES}:
        raise InvalidInput(
            f"A cluster has no purpose '{settings.purpose}'.", fix="It is FastProd or DevTest."
        )
    for file in filter(None, settings.kubeconfig.split(":")):
        if not Path(file).expanduser().is_file():
            raise NotFound(f"There is no kubeconfig {file}.", fix="Name a file that is there.")
    _check_context(settings.kubeconfig, settings.context)


def _check_context(kubeconfig: str, context: str) -> None:
    if not context or context == IN_CLUSTER:
        return
    known = context_names(kubeconfig)
    if context not in known:
        raise NotFound(
            f"No kubeconfig names the context '{context}' (there is:"
            f" {', '.join(known) or 'none'}).",
            fix="`kubectl config get-contexts` lists them.",
        )


def _usual_contexts() -> tuple[str, ...]:
    try:
        return context_names("")
    except InvalidInput:
        return ()
